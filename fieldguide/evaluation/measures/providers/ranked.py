"""What this house's own measures are computed from: the grades of one subtopic in rank order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ir_measures import Measure, Metric
from ir_measures.measures.base import ParamInfo
from ir_measures.providers.base import Evaluator, Provider

from fieldguide.evaluation.measures.lists import Judgments, Lists, Ranked


class Cutoff(ParamInfo):
    """A rank from 1: `k` in `measure@k`."""

    def __init__(self) -> None:
        super().__init__(dtype=int, required=True, desc="ranks that are looked at, from 1")

    def validate(self, value: object) -> bool:
        """Whether it is a whole number above 0."""
        return type(value) is int and value > 0


REL = ParamInfo(dtype=int, default=1, desc="least grade that counts as relevant")
Compute = Callable[[Measure, Ranked], float]


class RankedProvider(Provider):
    """Computes measures that need nothing but one subtopic's `Ranked`."""

    @abstractmethod
    def compute(self, measure: Measure, ranked: Ranked) -> float:
        """The value of one of SUPPORTED_MEASURES; `ranked` has at least one image and one grade."""

    def _evaluator(self, measures: Iterable[Measure], qrels: Judgments) -> Evaluator:
        asked: list[Any] = list(measures)
        return _RankedEvaluator(asked, qrels.subtopics, self.compute)


class _RankedEvaluator(Evaluator):
    def __init__(self, measures: Sequence[Measure], subtopics: Sequence[str], compute: Compute) -> None:
        super().__init__(measures, subtopics)
        self._compute = compute

    def iter_calc(self, lists: Lists) -> Iterator[Metric]:
        """Values of the subtopics that have lines and judgments."""
        for subtopic, ranked in lists.ranked.items():
            for measure in self.measures:
                yield Metric(subtopic, measure, self._compute(measure, ranked))
