"""The release: a folder that another group can use, check and rebuild without this repository."""

from __future__ import annotations

from fieldguide.release.make import Summary, make_release
from fieldguide.release.verify import verify_release

__all__ = ["Summary", "make_release", "verify_release"]
