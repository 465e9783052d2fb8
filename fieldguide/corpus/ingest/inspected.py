"""What was found out about a part of a source: a row for each file, in Arrow files that are memory-mapped.

Rows are columns on disk, not records in memory, so that a million files cost no more than their tables do.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from fieldguide.core.files import content_key
from fieldguide.corpus.ingest.packing.arrow_files import read_arrow, write_arrow
from fieldguide.corpus.ingest.packing.numbers import Numbers, is_among, numbers_of, numbers_of_column
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.store.pixels import FORMATS, MAX_BYTES, MODES, VERDICT_VERSION, PixelVerdict

SHA256 = pa.binary(32)
_TEXT = pa.string()
_SEEN = [
    pa.field("reason", _TEXT), pa.field("detail", _TEXT), pa.field("phash", pa.uint64()), pa.field("width", pa.int32()),
    pa.field("height", pa.int32()), pa.field("format", _TEXT),
]  # fmt: skip
INSPECTED = pa.schema([
    pa.field("key", _TEXT), pa.field("size", pa.int64()), pa.field("entity", _TEXT), pa.field("split", _TEXT),
    pa.field("licence", _TEXT), pa.field("attribution", _TEXT), pa.field("sha256", SHA256),
    pa.field("misnamed", _TEXT), *_SEEN,
])  # fmt: skip
"""A row for each candidate of a part, in order.

`sha256` is null where the source could not give the bytes. `reason` and `detail` are the verdict's on the bytes, or
say why there are none; `misnamed` says what is wrong with the name of bytes that are good.
"""
VERDICTS = pa.schema([pa.field("sha256", SHA256), *_SEEN])
"""A row for each content that was ever looked at, sorted by `sha256`."""


class Inspected(NamedTuple):
    """A candidate, the sha256 of its bytes, the verdict on them, and what is wrong with the name of good bytes."""

    candidate: SourceImage
    sha256: bytes
    verdict: PixelVerdict
    misnamed: str | None

    @property
    def is_good(self) -> bool:
        """Whether its bytes may be an image of the corpus."""
        return self.verdict.reason is None and self.misnamed is None


def inspection_key(max_pixels: int) -> str:
    """The sha256 of what a verdict depends on but for the bytes."""
    versions = {name: importlib.metadata.version(name) for name in ("pillow", "scipy")}
    layout = str(INSPECTED)
    return content_key(
        versions=versions, limits=[VERDICT_VERSION, max_pixels, MAX_BYTES, list(FORMATS), list(MODES)], layout=layout
    )


def batch_of(rows: Sequence[Inspected]) -> pa.RecordBatch:
    """Rows of INSPECTED."""
    c, v = [row.candidate for row in rows], [row.verdict for row in rows]
    columns = {
        "key": [x.key for x in c],
        "size": [len(x.data) for x in c],
        "entity": [x.entity for x in c],
        "split": [x.split for x in c],
        "licence": [x.licence for x in c],
        "attribution": [x.attribution for x in c],
        "sha256": [None if x.refusal else row.sha256 for x, row in zip(c, rows, strict=True)],
        "misnamed": [row.misnamed for row in rows],
        "reason": [x.reason for x in v],
        "detail": [x.detail for x in v],
        "phash": [int(x.phash or "0", 16) for x in v],
        "width": [x.width for x in v],
        "height": [x.height for x in v],
        "format": [x.format for x in v],
    }
    return pa.RecordBatch.from_pydict(columns, schema=INSPECTED)


class KnownVerdicts:
    """Verdicts on bytes of earlier runs, looked up without being loaded."""

    def __init__(self, path: Path) -> None:
        self._table = read_arrow(path, VERDICTS) or VERDICTS.empty_table()
        self._numbers = numbers_of_column(self._table["sha256"])

    def __len__(self) -> int:
        return len(self._numbers)

    def of(self, hashes: Sequence[bytes]) -> dict[bytes, PixelVerdict]:
        """The verdicts on bytes with these hashes, as far as they were looked at before."""
        if not len(self):
            return {}
        places = np.minimum(np.searchsorted(self._numbers, numbers_of(hashes)), len(self) - 1)
        rows = self._table.take(places).to_pylist()
        asked = set(hashes)
        return {row.pop("sha256"): _verdict(row) for row in rows if row["sha256"] in asked}


def _verdict(row: dict[str, Any]) -> PixelVerdict:
    return PixelVerdict(**{**row, "phash": "" if row["reason"] else f"{row['phash']:016x}"})


def remember(path: Path, tables: Iterable[pa.Table]) -> int:
    """Add the verdicts of these tables of INSPECTED to those of the file; returns how many are new."""
    known = read_arrow(path, VERDICTS) or VERDICTS.empty_table()
    before = numbers_of_column(known["sha256"])
    fresh = pa.concat_tables([VERDICTS.empty_table(), *_without(tables, before)])
    if not len(fresh):
        return 0
    whole = pa.concat_tables([known, fresh]).combine_chunks()
    order = np.argsort(numbers_of_column(whole["sha256"]), kind="stable")
    numbers = numbers_of_column(whole["sha256"])[order]
    different = order[np.append(True, numbers[1:] != numbers[:-1])]
    write_arrow(
        path, VERDICTS, whole.take(different).combine_chunks().to_batches()
    )  # one, which `take` needs not to join
    return len(different) - len(known)


def _without(tables: Iterable[pa.Table], before: Numbers) -> Iterator[pa.Table]:
    """The rows that have bytes and whose numbers are not among `before`."""
    for table in tables:
        is_known = is_among(before, numbers_of_column(table["sha256"]))
        has_bytes = table["sha256"].is_valid().to_numpy()
        yield table.select(VERDICTS.names).filter(pa.array(has_bytes & ~is_known))
