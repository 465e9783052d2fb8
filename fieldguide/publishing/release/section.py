"""Section of the stage that makes the release."""

from __future__ import annotations

from fieldguide.core.section import Name, Section


class Release(Section):
    """Stage `release`."""

    name: Name
    version: str = "0.1.0"
    licence: str
    description: str
