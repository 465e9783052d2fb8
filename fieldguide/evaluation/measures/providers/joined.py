"""Several evaluators as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ir_measures import Measure, Metric
from ir_measures.providers.base import Evaluator
from ir_measures.providers.fallback_provider import FallbackEvaluator, FallbackProvider

from fieldguide.evaluation.measures.providers.ranked import Qrels, RankedEvaluator, Run


class Joined(FallbackEvaluator):
    """`FallbackEvaluator` for evaluators that are complete, as all are: each gives its own measures' defaults."""

    def __init__(self, measures: Sequence[Measure], evaluators: Sequence[Evaluator]) -> None:
        super().__init__(measures, evaluators)

    def iter_calc(self, run: Run) -> Iterator[Metric]:
        """Every value of every evaluator; nothing is missing that would have to be looked for."""
        for evaluator in self.evaluators:
            yield from evaluator.iter_calc(run)


class FirstProvider(FallbackProvider):
    """`FallbackProvider`, each measure computed by the first provider that supports it, its evaluators `Joined`.

    Those that look up the grades of a list do it once for all of them.
    """

    def _evaluator(self, measures: Iterable[Measure], qrels: Qrels) -> Evaluator:
        found = super()._evaluator(measures, qrels)
        if type(found) is not FallbackEvaluator:
            return found
        alike = [one for one in found.evaluators if isinstance(one, RankedEvaluator)]
        others = [one for one in found.evaluators if not isinstance(one, RankedEvaluator)]
        return Joined(found.measures, [*others, RankedEvaluator.merged(alike)] if alike else others)
