"""Files with the same bytes are one photograph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.ingest.candidates import Candidates
from fieldguide.corpus.ingest.labelling import Labelled
from fieldguide.corpus.ingest.packing.numbers import Codes, Ints, Numbers


class CorpusPhotographs(NamedTuple):
    """The images of the corpus, in the order of their ids, and the further files that hold their bytes.

    Attributes:
        numbers: image_ids.
        row: of the candidates, the file that gives an image its split, source, licence and attribution.
        entity: place in the labels' texts, -1: none.
        copies: files that hold the bytes.
        copied, copy: for each further file the place of its image, and its own row.
        contradictory: rows of files whose bytes are labelled with two entities, and these.
    """

    numbers: Numbers
    row: Ints
    entity: Codes
    copies: Ints
    copied: Ints
    copy: Ints
    contradictory: list[tuple[int, str]]

    def __len__(self) -> int:
        return len(self.numbers)


class _Group(NamedTuple):
    """The files of one photograph: its place before any is left out, and its rows, the one that counts first."""

    place: int
    rows: list[int]


def photographs(candidates: Candidates, labels: Labelled) -> CorpusPhotographs:
    """Put files with the same bytes together.

    Bytes labelled with two entities show at most one rightly: every file that holds them is refused.

    Raises:
        FieldguideError: different bytes have the same image_id.
    """
    good = np.flatnonzero(candidates.is_good)
    order = good[np.argsort(candidates.numbers[good], kind="stable")]
    numbers, start, copies = np.unique(candidates.numbers[order], return_index=True, return_counts=True)
    row, entity = order[start], labels.entity.codes[order[start]]
    lost, contradictory, copied, copy = np.zeros(len(row), np.bool_), list[tuple[int, str]](), list[int](), list[int]()
    for place, rows in _groups(candidates, labels, order, start, copies):
        entities = sorted({labels.entity.texts[code] for code in labels.entity.codes[rows] if code >= 0})
        if len(entities) > 1:
            lost[place] = True
            contradictory += [(n, f"the same bytes are labelled {' and '.join(entities)}") for n in rows]
            continue
        row[place], entity[place] = rows[0], labels.entity.codes[rows].max()
        copied += [place] * (len(rows) - 1)
        copy += rows[1:]
    moved = np.cumsum(~lost) - 1
    at = moved[np.array(copied, np.int64)] if copied else np.empty(0, np.int64)
    kept = ~lost
    return CorpusPhotographs(
        numbers[kept], row[kept], entity[kept], copies[kept], at, np.array(copy, np.int64), contradictory
    )


def _groups(candidates: Candidates, labels: Labelled, order: Ints, start: Ints, copies: Ints) -> Iterator[_Group]:
    """The photographs that several files hold.

    Files of the train split come first: bytes in both splits are of train only, since a model may have learnt them.
    Then sources count in the order of params.yaml, and keys in theirs.
    """
    for place in np.flatnonzero(copies > 1):
        rows = order[start[place] : start[place] + copies[place]]
        _require_same_bytes(candidates, rows)
        keys = candidates.keys.take(pa.array(rows)).to_pylist()
        ranked = sorted(zip(~labels.is_train[rows], candidates.source[rows], keys, rows.tolist(), strict=True))
        yield _Group(int(place), [row for *_, row in ranked])


def _require_same_bytes(candidates: Candidates, rows: Ints) -> None:
    if len(candidates.hashes.take(pa.array(rows)).unique()) > 1:
        raise FieldguideError("two different images share the first 16 hex digits of their sha256; remove one")


def keys_that_occur_twice(candidates: Candidates, source: int) -> list[str]:
    """Keys by which a source names several files."""
    found = candidates.keys.filter(pa.array(candidates.source == source)).value_counts()
    counts = found.field("counts").to_numpy()
    twice: list[str] = found.field("values").filter(pa.array(counts > 1)).to_pylist()
    return twice
