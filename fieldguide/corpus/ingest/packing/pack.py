"""Images are packed into tars: bytes by bytes from where they lie, or a whole tar of the last run as it is."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_file, write_tar
from fieldguide.core.streaming import in_batches
from fieldguide.corpus.ingest.packing.arrow_files import read_arrow, write_arrow
from fieldguide.corpus.ingest.packing.numbers import Codes, Ints, Numbers
from fieldguide.corpus.ingest.packing.places import Places
from fieldguide.corpus.ingest.packing.stored import STORED, StoredShards, shard_name
from fieldguide.corpus.store.pixels import EXTENSIONS, FORMATS
from fieldguide.corpus.store.shards import shard_of

PACKED = pa.schema([
    pa.field("id", pa.uint64()), pa.field("sha256", pa.binary(32)), pa.field("format", pa.int8()),
    pa.field("size", pa.int64()), pa.field("file", pa.int32()), pa.field("at", pa.int64()),
])  # fmt: skip
"""An image that is packed: place of its format in FORMATS; file of those listed, and where in it the bytes begin."""
_FILES = b"files"
_WINDOW = 1 << 26
"""Bytes that are read in the order in which they lie, before they are written in the order of ids."""
_BLOCK = 512


class Members(NamedTuple):
    """The images of all shards, sorted by shard and id. `offset`: of the bytes in the tar."""

    number: Numbers
    shard: Codes
    offset: Ints
    size: Ints
    format: npt.NDArray[np.int8]
    hashes: pa.Array

    def of_shard(self) -> Iterator[tuple[int, slice]]:
        """Each shard that is not empty, and its rows."""
        shards, start, count = np.unique(self.shard, return_index=True, return_counts=True)
        for shard, first, length in zip(shards.tolist(), start.tolist(), count.tolist(), strict=True):
            yield shard, slice(first, first + length)

    def digest(self, rows: slice) -> str:
        """The sha256 of what a tar is made of."""
        told = (self.number[rows].tobytes(), self.size[rows].tobytes(), self.format[rows].tobytes())
        return hashlib.sha256(b"".join(told) + ",".join(FORMATS).encode()).hexdigest()


def members(numbers: Numbers, size: Ints, format_: npt.NDArray[np.int8], hashes: pa.Array, shards: int) -> Members:
    """Images, sorted by number, in the order in which tars have them, and where their bytes will lie."""
    shard = shard_of(numbers, shards).astype(np.int32)
    order = np.lexsort((numbers, shard))
    shard, sizes = shard[order], size[order]
    ends = np.cumsum(_BLOCK + -(-sizes // _BLOCK) * _BLOCK)
    begins = np.append(0, ends)[:-1]
    first = np.searchsorted(shard, shard)
    offset = begins - begins[first] + _BLOCK
    return Members(numbers[order], shard, offset, sizes, format_[order], hashes.take(pa.array(order)))


def write_plan(path: Path, packed: Members, found: Places) -> None:
    """Write what `pack_shard` reads: all members, and where their bytes lie."""
    file, at = found.of(packed.number)
    columns = [packed.number, packed.hashes, packed.format, packed.size, file, at]
    schema = PACKED.with_metadata({_FILES: json.dumps([str(file) for file in found.files])})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_arrow(path, schema, [pa.record_batch([pa.array(column) for column in columns], schema=schema)])


def stored_table(packed: Members) -> pa.Table:
    """Rows of STORED."""
    order = np.argsort(packed.number)
    columns: list[Any] = [packed.number, packed.shard, packed.offset, packed.size]
    return pa.table([pa.array(column[order]) for column in columns], schema=STORED)


def pack_shard(shard: int, rows: tuple[int, int], plan: Path, target: Path) -> str:
    """Write a tar of these rows of the plan into `target`; returns the sha256 of the tar.

    Raises:
        FieldguideError: bytes are not what they were when they were inspected.
    """
    table = read_arrow(plan, PACKED)
    if table is None:
        raise FieldguideError(f"{plan}: what is packed cannot be read; run ingest again")
    files = [Path(name) for name in json.loads(table.schema.metadata[_FILES])]
    start, stop = rows
    path = target / shard_name(shard)
    write_tar(path, _contents(table.slice(start, stop - start), files))
    return sha256_file(path)


def link_shard(shard: int, stored: StoredShards, target: Path) -> str:
    """A tar of the last run as it is; returns its sha256."""
    os.link(stored.path(shard), target / shard_name(shard))
    return stored.shards[shard].sha256


class _Row(NamedTuple):
    """A row of PACKED."""

    number: int
    sha256: bytes
    format: int
    size: int
    file: int
    at: int


def _contents(table: pa.Table, files: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for batch in table.to_batches(1 << 15):
        rows = list(map(_Row, *(batch.column(name).to_pylist() for name in PACKED.names)))
        for window in in_batches(rows, len(rows), lambda row: row.size, _WINDOW):
            datas = _read(window, files)
            yield from (
                (f"{row.number:016x}.{EXTENSIONS[FORMATS[row.format]]}", datas.pop(row.number)) for row in window
            )


def _read(rows: Sequence[_Row], files: Sequence[Path]) -> dict[int, bytes]:
    datas = {}
    for file, group in itertools.groupby(sorted(rows, key=lambda row: (row.file, row.at)), key=lambda row: row.file):
        with files[file].open("rb") as stream:
            for row in group:
                datas[row.number] = data = os.pread(stream.fileno(), row.size, row.at)
                if hashlib.sha256(data).digest() != row.sha256:
                    raise FieldguideError(f"{files[file]}: bytes of image {row.number:016x} changed; run ingest again")
    return datas
