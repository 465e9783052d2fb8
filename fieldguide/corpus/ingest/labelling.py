"""The labels of all files at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fieldguide.core.errors import Problem
from fieldguide.corpus.ingest.candidates import Candidates, Words
from fieldguide.corpus.ingest.labels import Labels
from fieldguide.corpus.ingest.packing.numbers import Ints
from fieldguide.corpus.sources.section import ImageSource


class Labelled(NamedTuple):
    """What the labels of all files mean: `entity` of those that are good, whether they are of the train split.

    `problems`: labels without a meaning.
    """

    entity: Words
    is_train: npt.NDArray[np.bool_]
    problems: list[Problem]


def labelled(candidates: Candidates, sources: Sequence[ImageSource]) -> Labelled:
    """The entity and the split of every good file; each label of a source is looked up once."""
    labels = [Labels(source) for source in sources]
    entity = _entities(candidates, labels)
    is_train = _trained(candidates, labels)
    return Labelled(entity, is_train, [problem for one in labels for problem in one.problems()])


def _entities(candidates: Candidates, labels: list[Labels]) -> Words:
    codes, texts = np.full(len(candidates), -1, np.int32), dict[str, int]()
    for rows, source, label in _first_met(candidates, candidates.entity):
        entity = None if label is None else labels[source].entity(label, candidates.key(rows[0]))
        if entity is not None:
            codes[rows] = texts.setdefault(entity, len(texts))
    return Words(list(texts), codes)


def _trained(candidates: Candidates, labels: list[Labels]) -> npt.NDArray[np.bool_]:
    is_train = np.zeros(len(candidates), np.bool_)
    for rows, source, label in _first_met(candidates, candidates.split):
        if label is not None:
            is_train[rows] = labels[source].split(label, candidates.key(rows[0])) == "train"
        elif labels[source].source.train_share:
            keys = candidates.keys.take(pa.array(rows)).to_pylist()
            is_train[rows] = [labels[source].drawn_split(key) == "train" for key in keys]
        else:
            is_train[rows] = labels[source].source.split == "train"
    return is_train


def _first_met(candidates: Candidates, words: Words) -> Iterator[tuple[Ints, int, str | None]]:
    """The good files of each label of each source, in the order in which they are first met."""
    good = np.flatnonzero(candidates.is_good)
    pairs = candidates.source[good].astype(np.int64) * (len(words.texts) + 1) + words.codes[good] + 1
    order = np.argsort(pairs, kind="stable")
    groups = np.split(good[order], np.flatnonzero(np.diff(pairs[order])) + 1) if len(good) else []
    for rows in sorted(groups, key=lambda group: group[0]):
        code = words.codes[rows[0]]
        yield rows, int(candidates.source[rows[0]]), None if code < 0 else words.texts[code]
