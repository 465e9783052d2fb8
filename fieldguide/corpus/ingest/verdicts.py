"""Verdicts on bytes already inspected, so that a second ingest decodes only what is new."""

from __future__ import annotations

import importlib.metadata
from dataclasses import asdict
from pathlib import Path

from fieldguide.core.files import content_key
from fieldguide.corpus.store.pixels import FORMATS, MAX_BYTES, MODES, VERDICT_VERSION, PixelVerdict
from fieldguide.corpus.store.remembered import Remembered


class VerdictCache(Remembered):
    """Verdicts by sha256 of the bytes, one file for each way of inspecting."""

    def __init__(self, folder: Path, max_pixels: int) -> None:
        versions = {name: importlib.metadata.version(name) for name in ("pillow", "imagehash", "scipy")}
        limits = [VERDICT_VERSION, max_pixels, MAX_BYTES, list(FORMATS), list(MODES)]
        super().__init__(folder / f"{content_key(versions=versions, limits=limits)}.jsonl")

    def get(self, sha256: str) -> PixelVerdict | None:
        """The verdict on bytes with this hash, if they were inspected before."""
        known = super().get(sha256)
        try:
            return None if known is None else PixelVerdict(**known)
        except TypeError:  # a damaged file: inspected again
            return None

    def add(self, sha256: str, value: PixelVerdict) -> None:
        """Remember a verdict; known ones are left as they are."""
        super().add(sha256, asdict(value))
