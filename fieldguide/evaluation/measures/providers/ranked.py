"""What this house's own measures are computed from: the grades of one subtopic in rank order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
from ir_measures import Measure, Metric
from ir_measures.measures.base import ParamInfo
from ir_measures.providers.base import Evaluator, Provider

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Mapping[str, float]]

UNJUDGED = int(np.iinfo(np.int64).min)
"""In the place of a grade that nobody gave; below every grade, so that no threshold reaches it."""


class Cutoff(ParamInfo):
    """A rank from 1: `k` in `measure@k`."""

    def __init__(self) -> None:
        super().__init__(dtype=int, required=True, desc="ranks that are looked at, from 1")

    def validate(self, value: object) -> bool:
        """Whether it is a whole number above 0."""
        return type(value) is int and value > 0


REL = ParamInfo(dtype=int, default=1, desc="least grade that counts as relevant")


@dataclass(frozen=True, slots=True)
class Ranked:
    """One subtopic's list and judgments.

    Attributes:
        grades: (n,) int64, grade of each ranked image, best first; UNJUDGED where there is none.
        judged: (m,) int64, every grade of the subtopic, in no order.
    """

    grades: npt.NDArray[np.int64]
    judged: npt.NDArray[np.int64]

    def relevant(self, measure: Measure) -> npt.NDArray[np.bool_]:
        """(n,) whether each ranked image is relevant, by the measure's `rel`."""
        return np.asarray(self.grades >= measure["rel"])

    def positives(self, measure: Measure) -> int:
        """Number of relevant images, ranked or not."""
        return int(np.count_nonzero(self.judged >= measure["rel"]))


class BestFirst(dict[str, float]):
    """Scores of one subtopic that are known to fall, strictly, in the order of the dictionary."""


def in_order(scores: Mapping[str, float]) -> list[str]:
    """Images by falling score, equal scores by falling id, as trec_eval ranks them."""
    if isinstance(scores, BestFirst):
        return list(scores)
    values = np.fromiter(scores.values(), dtype=np.float64, count=len(scores))
    if (np.diff(values) < 0).all():  # as our own runs come
        return list(scores)
    return sorted(scores, key=lambda image: (scores[image], image), reverse=True)


def ranked(images: Iterable[str], grades: Mapping[str, int]) -> Ranked:
    """Look the grades of a list of images up."""
    return Ranked(
        np.array(list(map(grades.get, images, repeat(UNJUDGED))), dtype=np.int64),
        np.fromiter(grades.values(), dtype=np.int64, count=len(grades)),
    )


Compute = Callable[[Measure, Ranked], float]


class RankedProvider(Provider):
    """Computes measures that need nothing but one subtopic's `Ranked`."""

    @abstractmethod
    def compute(self, measure: Measure, ranked: Ranked) -> float:
        """The value of one of SUPPORTED_MEASURES; `ranked` has at least one image and one grade."""

    def _evaluator(self, measures: Iterable[Measure], qrels: Qrels) -> Evaluator:
        asked: list[Any] = list(measures)
        return RankedEvaluator([(measure, self.compute) for measure in asked], qrels)


class RankedEvaluator(Evaluator):
    """Computes measures of several providers from the same `Ranked`: looking grades up is most of the work."""

    def __init__(self, computed: Sequence[tuple[Measure, Compute]], qrels: Qrels) -> None:
        super().__init__([measure for measure, _ in computed], set(qrels))
        self.computed, self._qrels = computed, qrels

    @classmethod
    def merged(cls, evaluators: Sequence[RankedEvaluator]) -> RankedEvaluator:
        """Evaluators of the same qrels as one."""
        return cls([one for evaluator in evaluators for one in evaluator.computed], evaluators[0]._qrels)

    def _iter_calc(self, run: Run) -> Iterator[Metric]:
        for subtopic, scores in run.items():
            grades = self._qrels.get(subtopic)
            if not grades or not scores:
                continue
            found = ranked(in_order(scores), grades)
            for measure, compute in self.computed:
                yield Metric(subtopic, measure, compute(measure, found))
