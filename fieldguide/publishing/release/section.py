"""Stages from `check` to `release`: what is measured, and what is told of it."""

from __future__ import annotations

from fieldguide.core.section import Name, Section


class Release(Section):
    """Stage `release`."""

    name: Name
    version: str
    licence: str
    description: str
