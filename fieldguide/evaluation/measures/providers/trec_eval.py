"""trec_eval's own code (pytrec_eval), kept from what it or ir-measures 0.4.3 gets wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from ir_measures import Measure, Metric, nDCG
from ir_measures.providers.base import Any as AnyValue
from ir_measures.providers.base import Choices, Evaluator
from ir_measures.providers.pytrec_eval_provider import PytrecEvalEvaluator, PytrecEvalProvider

from fieldguide.core.errors import FieldguideError
from fieldguide.evaluation.measures.providers.joined import Joined
from fieldguide.evaluation.measures.providers.placed import Qrels, Run

_EXPONENTIAL = "exp-log2"
_GREATEST = 30  # gains are kept in C's long


class TrecEvalProvider(PytrecEvalProvider):
    """`PytrecEvalProvider`, with measures of other gains kept apart and topics that are safe to give to it.

    ir-measures tells measures of one pytrec_eval call apart by trec_eval's name alone, so that of
    `nDCG(gains={...})@10` and `nDCG@10` one is computed with the other's gains and the other is 0.

    `nDCG(dcg='exp-log2')@10`, whose gain is 2^grade - 1 (Burges and others, ICML 2005; TREC's gdeval.pl), is
    trec_eval's with these gains.
    """

    SUPPORTED_MEASURES: ClassVar = [
        *PytrecEvalProvider.SUPPORTED_MEASURES,
        nDCG(cutoff=AnyValue(), dcg=Choices(_EXPONENTIAL), judged_only=AnyValue()),
    ]

    def _evaluator(self, measures: Iterable[Measure], qrels: Qrels) -> Evaluator:
        asked = list(measures)
        exponential = {m: _with_gains(m, qrels) for m in asked if m.params.get("dcg") == _EXPONENTIAL}
        plain = [m for m in asked if m not in exponential]
        parts = [self._by_gains(plain, qrels)] if plain else []
        parts += [_Renamed(m, self._by_gains([stand_in], qrels)) for m, stand_in in exponential.items()]
        return Joined(asked, parts)

    def _by_gains(self, measures: list[Measure], qrels: Qrels) -> Evaluator:
        by_gains: dict[str, list[Measure]] = {}
        for measure in measures:
            by_gains.setdefault(repr(measure.params.get("gains")), []).append(measure)
        # Of a topic without a grade of 0 or more trec_eval reads memory that is not its own. Nothing is relevant
        # to such a topic: it gets every measure's default.
        safe = {subtopic: grades for subtopic, grades in qrels.items() if max(grades.values()) >= 0}
        parts = [_TrecEvalEvaluator(part, self._build_invokers(part, safe), qrels) for part in by_gains.values()]
        return Joined(measures, parts)


def _with_gains(measure: Measure, qrels: Qrels) -> Measure:
    """The measure that has these gains spelled out for the grades that there are."""
    grades = {grade for by in qrels.values() for grade in by.values()}
    if max(grades) > _GREATEST:
        raise FieldguideError(
            f"{measure}: the gain of grade {max(grades)} is 2^{max(grades)} - 1; at most {_GREATEST} do"
        )
    kept = {name: value for name, value in measure.params.items() if name != "dcg"}
    return nDCG(gains={grade: 2 ** max(grade, 0) - 1 for grade in sorted(grades)}, **kept)


class _Renamed(Evaluator):
    """Values of one measure under the name of another."""

    def __init__(self, measure: Measure, inner: Evaluator) -> None:
        super().__init__([measure], inner.qrel_qids)
        self._inner = inner

    def iter_calc(self, run: Run) -> Iterator[Metric]:
        """The inner evaluator's values."""
        for metric in self._inner.iter_calc(run):
            yield Metric(metric.query_id, self.measures[0], metric.value)


class _TrecEvalEvaluator(PytrecEvalEvaluator):
    def iter_calc(self, run: Run) -> Iterator[Metric]:
        """What trec_eval gives. The base class then looks for what is missing, by hashes of texts, value by value."""
        yield from self._iter_calc(run)
