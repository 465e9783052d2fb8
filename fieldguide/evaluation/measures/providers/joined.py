"""Several evaluators as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ir_measures import Measure, Metric
from ir_measures.providers.base import Evaluator
from ir_measures.providers.fallback_provider import FallbackEvaluator, FallbackProvider

from fieldguide.evaluation.measures.lists import Judgments


class Joined(FallbackEvaluator):
    """`FallbackEvaluator` for evaluators that leave out what has the default; nothing is looked for."""

    def __init__(self, measures: Sequence[Measure], evaluators: Sequence[Evaluator]) -> None:
        super().__init__(measures, evaluators)

    def iter_calc(self, run: Any) -> Iterator[Metric]:
        """Every value of every evaluator."""
        for evaluator in self.evaluators:
            yield from evaluator.iter_calc(run)


class FirstProvider(FallbackProvider):
    """`FallbackProvider`, each measure computed by the first provider that supports it, its evaluators `Joined`.

    Their qrels are `Judgments` and their runs `Lists`, which ir-measures passes on as they are.
    """

    def _evaluator(self, measures: Iterable[Measure], qrels: Judgments) -> Evaluator:
        found = super()._evaluator(measures, qrels)
        return Joined(found.measures, found.evaluators) if type(found) is FallbackEvaluator else found
