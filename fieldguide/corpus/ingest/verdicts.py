"""Verdicts on bytes already inspected, so that a second ingest decodes only what is new."""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from fieldguide.core.files import canonical_json, content_key
from fieldguide.corpus.store.pixels import FORMATS, MAX_BYTES, MODES, VERDICT_VERSION, PixelVerdict


class VerdictCache:
    """Verdicts by sha256 of the bytes, one append-only JSONL file for each way of inspecting.

    A line that a killed process left half written is passed over: that file is inspected again.
    The caller holds the stage's lock; threads may call `get` while one thread calls `add`.
    """

    def __init__(self, folder: Path, max_pixels: int) -> None:
        versions = {name: importlib.metadata.version(name) for name in ("pillow", "imagehash", "scipy")}
        limits = [VERDICT_VERSION, max_pixels, MAX_BYTES, list(FORMATS), list(MODES)]
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{content_key(versions=versions, limits=limits)}.jsonl"
        self._known: dict[str, PixelVerdict] = {}
        torn = self._load()
        self._stream = self.path.open("a", encoding="utf-8")
        if torn:
            self._stream.write("\n")

    def _load(self) -> bool:
        """Read what is there; tells whether the last line lacks its end."""
        if not self.path.exists():
            return False
        line = "\n"
        with self.path.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                try:
                    sha256, verdict = json.loads(line)
                    self._known[sha256] = PixelVerdict(**verdict)
                except (ValueError, TypeError):
                    continue
        return not line.endswith("\n")

    def __len__(self) -> int:
        return len(self._known)

    def get(self, sha256: str) -> PixelVerdict | None:
        """The verdict on bytes with this hash, if they were inspected before."""
        return self._known.get(sha256)

    def add(self, sha256: str, verdict: PixelVerdict) -> None:
        """Remember a verdict; known ones are left as they are."""
        if sha256 not in self._known:
            self._known[sha256] = verdict
            self._stream.write(canonical_json([sha256, asdict(verdict)]) + "\n")

    def __enter__(self) -> VerdictCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
