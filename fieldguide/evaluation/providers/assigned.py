"""One provider made of several: each measure is computed by the first that supports it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ir_measures import Measure
from ir_measures.providers.base import Evaluator
from ir_measures.providers.fallback_provider import FallbackEvaluator, FallbackProvider


class Assigned(FallbackProvider):
    """ir-measures' `FallbackProvider`, but measures keep their order, and those with other gains are kept apart.

    ir-measures 0.4.3 tells measures of one pytrec_eval call apart by trec_eval's name alone, so that of
    `nDCG(gains={...})@10` and `nDCG@10` one is computed with the other's gains and the other is 0.
    """

    def _evaluator(self, measures: Iterable[Measure], qrels: dict[str, dict[str, int]]) -> Evaluator:
        measures = list(measures)
        parts: dict[tuple[int, str], list[Measure]] = {}
        for measure in measures:
            number = next(n for n, part in enumerate(self.providers) if part.supports(measure))
            parts.setdefault((number, repr(measure.params.get("gains"))), []).append(measure)
        evaluators: list[Any] = [self.providers[number].evaluator(part, qrels) for (number, _), part in parts.items()]
        return evaluators[0] if len(evaluators) == 1 else FallbackEvaluator(measures, evaluators)
