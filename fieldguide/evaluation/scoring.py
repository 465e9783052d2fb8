"""Scores of one run, subtopic by subtopic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from fieldguide.evaluation.measures import provider

if TYPE_CHECKING:
    from ir_measures import Measure


@dataclass(frozen=True)
class Score:
    """One value. `defaulted`: the run had no line for the subtopic, the value is the measure's default."""

    subtopic_id: str
    measure: str
    value: float
    defaulted: bool


class Scorer:
    """Scores runs against one set of qrels."""

    def __init__(self, measures: Sequence[Measure], qrels: pd.DataFrame) -> None:
        """Prepare for the subtopics that `qrels` (records.QRELS) has; without a judgment there is nothing to score."""
        self._order = {str(measure): place for place, measure in enumerate(measures)}
        graded: dict[str, dict[str, int]] = {}
        for subtopic, image, grade in zip(qrels["subtopic_id"], qrels["image_id"], qrels["grade"], strict=True):
            graded.setdefault(str(subtopic), {})[str(image)] = int(grade)
        self.subtopics = sorted(graded)
        self._evaluator = provider().evaluator(measures, graded) if graded else None

    def score(self, run: pd.DataFrame) -> list[Score]:
        """Score a run (as `read_run` gives it): every subtopic and measure, in the order of ids and measures.

        A subtopic without a line gets the measure's default, as in trec_eval with -c; a line for a
        subtopic without judgments is not looked at.
        """
        if self._evaluator is None:
            return []
        # Minus the rank is a score without ties, so that every provider ranks as trec_eval ranked the scores.
        ranked = {
            str(subtopic): dict(zip(lines["image_id"], -lines["rank"].astype(float), strict=True))
            for subtopic, lines in run.groupby("subtopic_id", sort=True)
        }
        return sorted(self._scores(ranked), key=lambda score: (score.subtopic_id, self._order[score.measure]))

    def _scores(self, ranked: dict[str, dict[str, float]]) -> Iterator[Score]:
        for metric in self._evaluator.iter_calc(ranked):  # type: ignore[union-attr]
            yield Score(metric.query_id, str(metric.measure), float(metric.value), metric.query_id not in ranked)
