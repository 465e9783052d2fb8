"""What was found out about bytes, by their hash, so that only new bytes are looked at again."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fieldguide.core.files import canonical_json


class Remembered:
    """JSON values by sha256, in one append-only JSONL file.

    A line that a killed process left half written is passed over: those bytes are looked at again.
    The caller holds the stage's lock; threads may call `get` while one thread calls `add`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._known: dict[str, Any] = {}
        torn = self._load()
        self._stream = path.open("a", encoding="utf-8")
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
                    sha256, value = json.loads(line)
                    self._known[sha256] = value
                except (ValueError, TypeError):
                    continue
        return not line.endswith("\n")

    def __len__(self) -> int:
        return len(self._known)

    def get(self, sha256: str) -> Any:
        """The value of bytes with this hash; None if they were never looked at."""
        return self._known.get(sha256)

    def add(self, sha256: str, value: Any) -> None:
        """Remember a value; known ones are left as they are."""
        if sha256 not in self._known:
            self._known[sha256] = value
            self._stream.write(canonical_json([sha256, value]) + "\n")
            self._stream.flush()  # a kill loses nothing that was added

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
