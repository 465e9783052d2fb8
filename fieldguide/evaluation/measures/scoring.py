"""Scores of one run, subtopic by subtopic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.evaluation.measures.lists import Judgments, Lists
from fieldguide.evaluation.measures.provider import GREATEST_GRADE, provider

if TYPE_CHECKING:
    from ir_measures import Measure


class Score(NamedTuple):
    """One value. `defaulted`: the run had no line for the subtopic, the value is the measure's default."""

    subtopic_id: str
    measure: str
    value: float
    defaulted: bool


class RunScorer:
    """Scores runs against one set of qrels."""

    def __init__(self, measures: Sequence[Measure], qrels: pd.DataFrame) -> None:
        """Prepare for the subtopics that `qrels` (records.QRELS) has; without a judgment there is nothing to score.

        Raises:
            ProblemsError: grades beyond GREATEST_GRADE.
            FieldguideError: ids that trec_eval cannot read.
        """
        _check_grades(qrels)
        self._measures = list(measures)
        # By identity, since a measure's hash writes its text anew, for every one of many thousand values.
        self._texts = {id(measure): str(measure) for measure in self._measures}
        self._judgments = Judgments(qrels)
        self.subtopics = self._judgments.subtopics
        self._evaluator: Any = provider().evaluator(self._measures, self._judgments) if self.subtopics else None

    def score(self, run: pd.DataFrame) -> list[Score]:
        """Score a run (as `read_run` gives it): every subtopic and measure, in the order of ids and measures.

        A subtopic without a line gets the measure's default, as in trec_eval with -c; a line for a
        subtopic without judgments is not looked at. Measures over a topic's subtopics also take one list a
        topic, see `fieldguide.evaluation.measures.providers.diversity`.

        Raises:
            FieldguideError: the run ranks a topic and its subtopics, an id holds a NUL, or a grade is too great for
                the measure.
        """
        if self._evaluator is None:
            return []
        lists = self._judgments.look_up(run)
        found = {(subtopic, id(measure)): value for subtopic, measure, value in self._evaluator.iter_calc(lists)}
        return list(self._scores(lists, found))

    def _scores(self, lists: Lists, found: Mapping[tuple[str, int], float]) -> Iterator[Score]:
        from fieldguide.evaluation.measures.providers.diversity import TOPIC_MEASURES, topic_of

        whole = [measure.NAME in TOPIC_MEASURES for measure in self._measures]
        for subtopic in self.subtopics:
            missing = subtopic not in lists.rows.parts
            nothing = missing and topic_of(subtopic) not in lists.rows.parts
            for measure, of_topic in zip(self._measures, whole, strict=True):
                value = found.get((subtopic, id(measure)), measure.DEFAULT)
                yield Score(subtopic, self._texts[id(measure)], float(value), nothing if of_topic else missing)


def _check_grades(qrels: pd.DataFrame) -> None:
    beyond = qrels[qrels["grade"].abs() > GREATEST_GRADE]
    rows = zip(beyond["subtopic_id"], beyond["image_id"], beyond["grade"], strict=True)
    problems = [
        Problem(
            f"{s} {i}", f"grade is {g}; expected {-GREATEST_GRADE} to {GREATEST_GRADE}: trec_eval counts every grade"
        )
        for s, i, g in rows
    ]
    if problems:
        raise ProblemsError("grades that cannot be scored:", problems)
