"""One part of a source: read, inspected, its bytes laid aside. Another process, or another machine, may do it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from fieldguide.core.files import content_key
from fieldguide.core.streaming import in_batches, map_ahead
from fieldguide.corpus.ingest.inspected import INSPECTED, Inspected, KnownVerdicts, batch_of
from fieldguide.corpus.ingest.packing.arrow_files import read_arrow, write_arrow
from fieldguide.corpus.ingest.packing.numbers import Numbers, is_among, numbers_of
from fieldguide.corpus.ingest.packing.spool import SpoolWriter, spooling
from fieldguide.corpus.ingest.packing.stored import STORED
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.sources.parts import Part
from fieldguide.corpus.sources.reading import part_key, read_part
from fieldguide.corpus.store.pixels import PixelVerdict, inspect_images, misnamed

_FILES, _BYTES = 64, 1 << 23
"""Inspected at once: at most so many files, or until so many bytes are reached."""
_REMEMBERED = 1 << 16
"""Verdicts of a part that are at hand for further files of the same bytes."""

WANTED = pa.schema([pa.field("id", pa.uint64())])
"""Images whose bytes are looked for, sorted."""


@dataclass(frozen=True)
class PartInspection:
    """How parts are inspected, and where what is found goes. It is small and can be sent to another process.

    Attributes:
        root: what the paths of sources are relative to.
        parts: folder: a table of INSPECTED for each part, named by its key.
        verdicts: table of VERDICTS: of what is in it no pixel is decoded.
        stored: table of STORED: images whose bytes are at hand from the last run, and are not laid aside.
        spool: folder for the bytes.
        threads: of this process; None: one a core.
    """

    root: Path
    parts: Path
    verdicts: Path
    stored: Path
    spool: Path
    shards: int
    max_pixels: int
    threads: int | None = None


def inspect_part(part: Part, how: PartInspection) -> str:
    """Write a part's table of INSPECTED and lay the bytes of its images aside; returns the part's key.

    A part whose table is there is not looked at again, and nothing of it is laid aside (see `spool_part`).

    Raises:
        FieldguideError: an archive or a table is damaged.
    """
    key = content_key(kind=part.source.kind, given=part_key(part, how.root))
    table = how.parts / f"{key}.arrow"
    if read_arrow(table, INSPECTED) is None:
        inspect = _Inspector(KnownVerdicts(how.verdicts), how.max_pixels)
        batches = map_ahead(inspect, _batches(read_part(part, how.root)), threads=how.threads)
        with spooling(how.spool, key, how.shards) as spool:
            write_arrow(table, INSPECTED, _laid_aside(batches, spool, _numbers(how.stored, STORED)))
    return key


def spool_part(part: Part, key: str, how: PartInspection, wanted: Path) -> None:
    """Lay the bytes of those images of a part aside that a table of WANTED names. Nothing is decoded."""
    numbers = _numbers(wanted, WANTED)
    with spooling(how.spool, key, how.shards) as spool:
        for batch in _batches(read_part(part, how.root)):
            given = [c.data for c in batch if c.refusal is None]
            hashes = [hashlib.sha256(data).digest() for data in given]
            found = numbers_of(hashes)
            for place in np.flatnonzero(is_among(numbers, found)):
                spool.add(int(found[place]), given[place])


def _numbers(path: Path, schema: pa.Schema) -> Numbers:
    table = read_arrow(path, schema)
    return np.empty(0, np.uint64) if table is None else table["id"].to_numpy()


class _Inspector:
    """Gives each file of a batch its verdict; bytes that are known are not decoded. Threads may share it."""

    def __init__(self, known: KnownVerdicts, max_pixels: int) -> None:
        self._known = known
        self._max_pixels = max_pixels
        self._met: dict[bytes, PixelVerdict] = {}

    def __call__(self, batch: Sequence[SourceImage]) -> list[Inspected]:
        hashes = [hashlib.sha256(candidate.data).digest() for candidate in batch]
        found = self._verdicts({h: c.data for h, c in zip(hashes, batch, strict=True) if c.refusal is None})
        verdicts = [c.refusal or found[h] for c, h in zip(batch, hashes, strict=True)]
        wrong = [None if v.reason else misnamed(c.name, v.format) for c, v in zip(batch, verdicts, strict=True)]
        return list(map(Inspected, batch, hashes, verdicts, wrong))

    def _verdicts(self, datas: dict[bytes, bytes]) -> dict[bytes, PixelVerdict]:
        found = self._known.of(list(datas)) | {h: met for h in datas if (met := self._met.get(h))}
        fresh = [h for h in datas if h not in found]
        made = dict(zip(fresh, inspect_images([datas[h] for h in fresh], self._max_pixels), strict=True))
        if len(self._met) > _REMEMBERED:
            self._met = {}
        self._met.update(made)
        return found | made


def _batches(candidates: Iterable[SourceImage]) -> Iterator[list[SourceImage]]:
    return in_batches(candidates, _FILES, lambda candidate: len(candidate.data), _BYTES)


def _laid_aside(batches: Iterable[list[Inspected]], spool: SpoolWriter, stored: Numbers) -> Iterator[pa.RecordBatch]:
    for rows in batches:
        numbers = numbers_of([row.sha256 for row in rows])
        is_stored = is_among(stored, numbers)
        for place, row in enumerate(rows):
            if row.is_good and not is_stored[place]:
                spool.add(int(numbers[place]), row.candidate.data)
        yield batch_of(rows)
