"""Others' providers, which take dictionaries of texts: they are given places in the list, not ids.

What they compute depends on the grades in rank order, and on those that the list lacks. So the image at rank r is
called r in every subtopic, and every list of n images is the same dictionary, made once; a judged image that the list
lacks has a place behind its end. Of the judgments, most measures need those that say relevant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from ir_measures import Measure, Metric
from ir_measures.providers.base import Evaluator, Provider

from fieldguide.evaluation.measures.lists import UNJUDGED, Judgments, Lists

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Mapping[str, float]]

_RELEVANT_ALONE = frozenset(
    {"AP", "IPrec", "P", "R", "RR", "Rprec", "SetAP", "SetF", "SetP", "SetR", "Success", "nDCG"}
)
"""Names of measures that take a grade of 0 or below for no judgment."""
_SEE_ALL = frozenset({"gains", "judged_only"})
"""Parameters with which they do not."""


class PlacedProvider(Provider):
    """A provider of ir-measures' own kind, for `Judgments` and `Lists`."""

    def __init__(self, inner: Provider) -> None:
        super().__init__()
        self.inner, self.SUPPORTED_MEASURES = inner, inner.SUPPORTED_MEASURES

    def _evaluator(self, measures: Iterable[Measure], qrels: Judgments) -> Evaluator:
        return _PlacedEvaluator(self.inner, list(measures), qrels)


class _PlacedEvaluator(Evaluator):
    def __init__(self, provider: Provider, measures: Sequence[Measure], qrels: Judgments) -> None:
        super().__init__(measures, qrels.subtopics)
        alone = all(m.NAME in _RELEVANT_ALONE and not _SEE_ALL & set(m.params) for m in measures)
        self._provider, self._above = provider, 0 if alone else UNJUDGED

    def iter_calc(self, lists: Lists) -> Iterator[Metric]:
        """Values of the subtopics that have any; the others have the default."""
        qrels, run = {}, {}
        for subtopic, ranked in lists.ranked.items():
            grades = np.concatenate([ranked.grades, ranked.missed])
            kept = np.flatnonzero(grades > self._above)
            if len(kept):
                qrels[subtopic] = dict(zip(_names(len(grades))[kept], grades[kept].tolist(), strict=True))
                run[subtopic] = _falling(len(ranked.grades))
        return self._provider.evaluator(self.measures, qrels).iter_calc(run) if qrels else iter(())


@lru_cache(maxsize=64)
def _names(count: int) -> npt.NDArray[Any]:
    return np.array([f"{place:07}" for place in range(count)], dtype=object)


@lru_cache(maxsize=64)
def _falling(count: int) -> dict[str, float]:
    """A list of so many places, as others' providers take lists: the first has the greatest score."""
    return {name: -float(place) for place, name in enumerate(_names(count))}
