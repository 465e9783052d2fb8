"""Where the bytes of images lie before they are packed: laid aside in this run, or in a tar of the last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fieldguide.corpus.ingest.packing.arrow_files import read_arrow
from fieldguide.corpus.ingest.packing.numbers import Codes, Ints, Numbers
from fieldguide.corpus.ingest.packing.spool import SPOOLED
from fieldguide.corpus.ingest.packing.stored import StoredShards


class Places(NamedTuple):
    """Images sorted by number; `file` is a place in `files`, where `at` is the first byte."""

    number: Numbers
    file: Codes
    at: Ints
    files: Sequence[Path]

    def of(self, numbers: Numbers) -> tuple[Codes, Ints]:
        """The file and the first byte of each of these images; file -1: nowhere."""
        if not len(self.number):
            return np.full(len(numbers), -1, np.int32), np.zeros(len(numbers), np.int64)
        found = np.minimum(np.searchsorted(self.number, numbers), len(self.number) - 1)
        is_there = self.number[found] == numbers
        return np.where(is_there, self.file[found], -1).astype(np.int32), self.at[found]


def places(spool: Path, stored: StoredShards) -> Places:
    """All that was laid aside in a folder, and all that is stored."""
    laid = [(path.with_suffix(".bin"), read_arrow(path, SPOOLED)) for path in sorted(spool.glob("*.arrow"))]
    tables = [(path, table) for path, table in laid if table is not None]
    shards = stored.table["shard"].to_numpy()
    numbers = [stored.table["id"].to_numpy(), *(table["id"].to_numpy() for _, table in tables)]
    at = [stored.table["offset"].to_numpy(), *(table["offset"].to_numpy() for _, table in tables)]
    tars = sorted(stored.shards)
    file = [np.searchsorted(np.array(tars, np.int64), shards).astype(np.int32)]
    file += [np.full(len(table), len(tars) + n, np.int32) for n, (_, table) in enumerate(tables)]
    order = np.argsort(np.concatenate(numbers), kind="stable")
    files = [stored.path(shard) for shard in tars] + [path for path, _ in tables]
    return Places(np.concatenate(numbers)[order], np.concatenate(file)[order], np.concatenate(at)[order], files)
