"""trec_eval's own code (pytrec_eval), kept from what it or ir-measures 0.4.3 gets wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ir_measures import Measure, Metric
from ir_measures.providers.base import Evaluator
from ir_measures.providers.pytrec_eval_provider import PytrecEvalEvaluator, PytrecEvalProvider

from fieldguide.evaluation.measures.providers.joined import Joined
from fieldguide.evaluation.measures.providers.ranked import Qrels, Run


class TrecEvalProvider(PytrecEvalProvider):
    """`PytrecEvalProvider`, with measures of other gains kept apart and topics that are safe to give to it.

    ir-measures tells measures of one pytrec_eval call apart by trec_eval's name alone, so that of
    `nDCG(gains={...})@10` and `nDCG@10` one is computed with the other's gains and the other is 0.
    """

    def _evaluator(self, measures: Iterable[Measure], qrels: Qrels) -> Evaluator:
        by_gains: dict[str, list[Measure]] = {}
        for measure in measures:
            by_gains.setdefault(repr(measure.params.get("gains")), []).append(measure)
        # Of a topic without a grade of 0 or more trec_eval reads memory that is not its own. Nothing is relevant
        # to such a topic: it gets every measure's default.
        safe = {subtopic: grades for subtopic, grades in qrels.items() if max(grades.values()) >= 0}
        parts = [_TrecEvalEvaluator(part, self._build_invokers(part, safe), qrels) for part in by_gains.values()]
        return Joined(list(measures), parts)


class _TrecEvalEvaluator(PytrecEvalEvaluator):
    def iter_calc(self, run: Run) -> Iterator[Metric]:
        """Every subtopic's values. The base class looks for what is missing by hashes of texts, value by value."""
        found = set()
        for metric in self._iter_calc(run):
            found.add(metric.query_id)
            yield metric
        for subtopic in sorted(self.qrel_qids - found):
            for measure in self.measures:
                yield Metric(subtopic, measure, measure.DEFAULT)
