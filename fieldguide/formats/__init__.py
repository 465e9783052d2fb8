"""Published benchmarks: read as they are, turned into this house's tables, and written back label for label."""

from __future__ import annotations

from pathlib import Path

from fieldguide.formats.collection import Collection

__all__ = ["Collection", "read"]


def read(form: str | None, path: Path) -> Collection:
    """Read a published benchmark: `reading.read`."""
    from fieldguide.formats import reading

    return reading.read(form, path)
