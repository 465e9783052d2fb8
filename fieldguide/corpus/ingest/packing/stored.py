"""Shards of the last run: what did not change in them is not written again."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from fieldguide.core.files import atomic_directory, sha256_file
from fieldguide.corpus.ingest.packing.arrow_files import read_arrow, write_arrow

STORED = pa.schema([
    pa.field("id", pa.uint64()), pa.field("shard", pa.int32()), pa.field("offset", pa.int64()),
    pa.field("size", pa.int64()),
])  # fmt: skip
"""Where the bytes of an image lie, sorted by `id`, the image_id as a number."""
_INDEX, _SUMS = "index.arrow", b"shards"


class StoredShard(NamedTuple):
    """A tar: the sha256 of its bytes, and of what it is made of."""

    sha256: str
    members: str


class StoredShards:
    """The tars of the last run, as hard links: they outlive the stage's outputs, which DVC removes before it runs."""

    def __init__(self, folder: Path) -> None:
        """Tars that are damaged are passed over."""
        self.folder = folder
        self.index = folder / _INDEX
        table = read_arrow(self.index, STORED)
        self.table = STORED.empty_table() if table is None else table
        self.shards = _whole(folder, _sums(self.table))
        if table is not None and len(self.shards) < len(_sums(table)):
            there = np.isin(table["shard"].to_numpy(), list(self.shards))
            self.table = table.filter(pa.array(there))
            _write_index(self.index, self.table, self.shards)

    def path(self, shard: int) -> Path:
        """A tar of the last run."""
        return self.folder / shard_name(shard)

    def keep(self, shards: Path, table: pa.Table, sums: Mapping[int, StoredShard]) -> None:
        """Keep a folder of tars instead; nothing is kept where there are no hard links."""
        with contextlib.suppress(OSError), atomic_directory(self.folder) as target:
            for shard in sums:
                os.link(shards / shard_name(shard), target / shard_name(shard))
            _write_index(target / _INDEX, table, sums)


def shard_name(shard: int) -> str:
    """The file name of a shard."""
    return f"{shard:05d}.tar"


def _whole(folder: Path, sums: Mapping[int, StoredShard]) -> dict[int, StoredShard]:
    paths = {shard: folder / shard_name(shard) for shard in sums}
    return {n: sums[n] for n, path in paths.items() if path.is_file() and sha256_file(path) == sums[n].sha256}


def _sums(table: pa.Table) -> dict[int, StoredShard]:
    told = json.loads((table.schema.metadata or {}).get(_SUMS, b"{}"))
    return {int(shard): StoredShard(*sums) for shard, sums in told.items()}


def _write_index(path: Path, table: pa.Table, sums: Mapping[int, StoredShard]) -> None:
    told = table.replace_schema_metadata({_SUMS: json.dumps(sums)})
    write_arrow(path, told.schema, told.to_batches())
