"""Bytes of images on their way from a source to a shard, one file a part of a source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa

from fieldguide.corpus.ingest.packing.arrow_files import write_arrow
from fieldguide.corpus.store.shards import shard_of

SPOOLED = pa.schema([pa.field("id", pa.uint64()), pa.field("offset", pa.int64()), pa.field("size", pa.int64())])
"""Where an image's bytes lie in the file of the same name that ends in `.bin`; `id` is the image_id as a number."""
_RUN = 1 << 26
"""Bytes that are put in order of shards before they are written, so that packing reads long stretches."""


class SpoolWriter:
    """Takes images in any order."""

    def __init__(self, stream: IO[bytes], shards: int) -> None:
        self.rows: dict[str, list[int]] = {name: [] for name in SPOOLED.names}
        self._stream = stream
        self._shards = shards
        self._waiting: list[tuple[int, int, bytes]] = []
        self._held = 0

    def add(self, number: int, data: bytes) -> None:
        """Lay an image's bytes aside."""
        self._waiting.append((shard_of(number, self._shards), number, data))
        self._held += len(data)
        if self._held >= _RUN:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        for _, number, data in sorted(self._waiting, key=lambda row: row[:2]):
            for name, value in (("id", number), ("offset", self._stream.tell()), ("size", len(data))):
                self.rows[name].append(value)
            self._stream.write(data)
        self._waiting, self._held = [], 0


@contextmanager
def spooling(folder: Path, name: str, shards: int) -> Iterator[SpoolWriter]:
    """Write NAME.bin and NAME.arrow (SPOOLED) into a folder; both are there at the end, or neither.

    They need not outlive a power cut: what a run has laid aside is removed at the beginning of the next.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{name}.{os.getpid()}.tmp"
    try:
        with temporary.open("wb", buffering=1 << 20) as stream:
            writer = SpoolWriter(stream, shards)
            yield writer
            writer.flush()
        temporary.replace(folder / f"{name}.bin")
        write_arrow(folder / f"{name}.arrow", SPOOLED, [pa.RecordBatch.from_pydict(writer.rows, schema=SPOOLED)])
    finally:
        temporary.unlink(missing_ok=True)
