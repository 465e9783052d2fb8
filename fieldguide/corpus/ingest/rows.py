"""The corpus's tables, made of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fieldguide.corpus.ingest.candidates import Candidates, Words
from fieldguide.corpus.ingest.duplicates import hamming
from fieldguide.corpus.ingest.labelling import Labelled
from fieldguide.corpus.ingest.packing.numbers import Ints, hex_column
from fieldguide.corpus.ingest.packing.pack import Members
from fieldguide.corpus.ingest.packing.stored import shard_name
from fieldguide.corpus.ingest.photographs import CorpusPhotographs
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.records.images import DUPLICATES, IMAGES, REJECTED

_ROWS = 1 << 16
"""Of a row group."""


class Corpus(NamedTuple):
    """All that the tables are made of.

    Attributes:
        near: for each photograph the place of the first of its near duplicates, which may be its own.
    """

    candidates: Candidates
    labels: Labelled
    photographs: CorpusPhotographs
    near: Ints
    sources: Sequence[ImageSource]


def image_batches(corpus: Corpus, packed: Members) -> Iterator[pa.Table]:
    """Rows of records.IMAGES."""
    order = np.argsort(packed.number)
    names = Words([shard_name(n) for n in range(int(packed.shard.max()) + 1)], packed.shard[order])
    licence, attribution = (
        _stated(corpus, words, name)
        for words, name in ((corpus.candidates.licence, "licence"), (corpus.candidates.attribution, "attribution"))
    )
    for start in range(0, len(order), _ROWS):
        places = np.arange(start, min(start + _ROWS, len(order)))
        own = {"licence": licence.at(places), "attribution": attribution.at(places), "shard": names.at(places)}
        own |= {"offset": packed.offset[order[places]], "size": packed.size[order[places]]}
        yield pa.table(_described(corpus, places) | own, schema=IMAGES.schema)


def _described(corpus: Corpus, places: Ints) -> dict[str, object]:
    """All columns of these photographs but those of `_stated` and of packing."""
    c, photographs = corpus.candidates, corpus.photographs
    rows = photographs.row[places]
    first = corpus.near[places]
    return {
        "image_id": hex_column(photographs.numbers[places]),
        "sha256": [sha256.hex() for sha256 in c.hashes.take(pa.array(rows)).to_pylist()],
        "phash": hex_column(c.phash[rows]),
        "width": c.width[rows].astype(np.int64),
        "height": c.height[rows].astype(np.int64),
        "format": c.format.at(rows),
        "entity_id": Words(corpus.labels.entity.texts, photographs.entity).at(places),
        "split": Words(["gallery", "train"], corpus.labels.is_train[rows].astype(np.int32)).at(np.arange(len(rows))),
        "source": _source_names(corpus).at(rows),
        "source_key": c.keys.take(pa.array(rows)).cast(pa.string()),
        "copies": photographs.copies[places],
        "near_duplicate_of": _where(first != places, hex_column(photographs.numbers[first])),
    }


def _where(condition: npt.NDArray[np.bool_], values: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(condition), values, pa.scalar(None, values.type))


def _source_names(corpus: Corpus) -> Words:
    return Words([source.name for source in corpus.sources], corpus.candidates.source)


def _stated(corpus: Corpus, words: Words, name: str) -> Words:
    """What each photograph's file states of a licence or whom to name; else what its source does."""
    rows = corpus.photographs.row
    texts, codes = dict[str, int](), list[int]()
    pairs = corpus.candidates.source[rows].astype(np.int64) * (len(words.texts) + 1) + words.codes[rows] + 1
    different, inverse = np.unique(pairs, return_inverse=True)
    for pair in different.tolist():
        source, code = divmod(pair, len(words.texts) + 1)
        text = (words.texts[code - 1] if code else None) or getattr(corpus.sources[source], name)
        codes.append(-1 if text is None else texts.setdefault(text, len(texts)))
    return Words(list(texts), np.array(codes, np.int32)[inverse])


def duplicate_frame(corpus: Corpus) -> pd.DataFrame:
    """Rows of records.DUPLICATES, sorted by its key.

    Exact: one for each file beside an image's first. Near: one for each image that is not its cluster's first
    (the one with the least image_id), with its distance from that one, which in a chain of near duplicates
    may be more than `near_duplicate_bits`. So the rows are never more than the files.
    """
    frames = [_exact(corpus), _near(corpus)]
    frame = pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
    return frame.sort_values(list(DUPLICATES.key), kind="stable", ignore_index=True)


def _exact(corpus: Corpus) -> pd.DataFrame:
    photographs = corpus.photographs
    first, other = photographs.row[photographs.copied], photographs.copy
    return _duplicates(corpus, "exact", photographs.copied, photographs.copied, first, other, np.zeros(len(first)))


def _near(corpus: Corpus) -> pd.DataFrame:
    rows, phash = corpus.photographs.row, corpus.candidates.phash
    other = np.flatnonzero(corpus.near != np.arange(len(corpus.near)))
    first = corpus.near[other]
    distance = hamming(phash[rows[first]], phash[rows[other]])
    return _duplicates(corpus, "near", first, other, rows[first], rows[other], distance)


def _duplicates(
    corpus: Corpus, kind: str, first: Ints, other: Ints, first_row: Ints, other_row: Ints, distance: npt.NDArray[Any]
) -> pd.DataFrame:
    """`first` and `other` are places of photographs, `first_row` and `other_row` their files."""
    numbers, is_train = corpus.photographs.numbers, corpus.labels.is_train
    columns = {
        "image_id": hex_column(numbers[first]).to_pylist(),
        "kind": kind,
        "source": _source_names(corpus).at(other_row).to_pylist(),
        "source_key": corpus.candidates.keys.take(pa.array(other_row)).to_pylist(),
        "other_image_id": hex_column(numbers[other]).to_pylist(),
        "distance": distance.astype(np.int64),
        "across_splits": is_train[first_row] != is_train[other_row],
    }
    return pd.DataFrame(columns, columns=[column.name for column in DUPLICATES.columns])


def rejected_frame(corpus: Corpus) -> pd.DataFrame:
    """Rows of records.REJECTED, sorted by its key."""
    rows, why = corpus.candidates.refused()
    twice = corpus.photographs.contradictory
    rows = np.append(rows, np.array([row for row, _ in twice], np.int64))
    columns = {
        "source": _source_names(corpus).at(rows).to_pylist(),
        "source_key": corpus.candidates.keys.take(pa.array(rows)).to_pylist(),
        "reason": why["reason"].to_pylist() + ["contradictory"] * len(twice),
        "detail": why["detail"].to_pylist() + [detail for _, detail in twice],
    }
    return pd.DataFrame(columns).sort_values(list(REJECTED.key), kind="stable", ignore_index=True)
