"""Scores of one run, subtopic by subtopic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
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
        self._order = {text: place for place, text in enumerate(self._texts.values())}
        graded = _by_subtopic(qrels, "grade", int)
        self.subtopics = sorted(graded)
        self._evaluator: Any = provider().evaluator(self._measures, graded) if graded else None

    def score(self, run: pd.DataFrame) -> list[Score]:
        """Score a run (as `read_run` gives it): every subtopic and measure, in the order of ids and measures.

        A subtopic without a line gets the measure's default, as in trec_eval with -c; a line for a
        subtopic without judgments is not looked at. Measures over a topic's subtopics also take one list a
        topic, see `fieldguide.evaluation.measures.providers.diversity`.

        Raises:
            FieldguideError: the run ranks a topic and its subtopics, or an id holds a NUL.
        """
        if self._evaluator is None:
            return []
        # Minus the rank is a score without ties, so that every provider ranks as trec_eval ranked the scores.
        ranked = _by_subtopic(run.assign(rank=-run["rank"]), "rank", float)
        return sorted(self._scores(ranked), key=lambda score: (score.subtopic_id, self._order[score.measure]))

    def _scores(self, ranked: dict[str, dict[str, float]]) -> Iterator[Score]:
        from fieldguide.evaluation.measures.providers.diversity import TOPIC_MEASURES, topic_of

        for subtopic, measure, value in self._evaluator.iter_calc(ranked):
            missing = subtopic not in ranked
            if missing and measure.NAME in TOPIC_MEASURES:
                missing = topic_of(subtopic) not in ranked
            yield Score(subtopic, self._texts[id(measure)], float(value), missing)


def _by_subtopic(table: pd.DataFrame, column: str, kind: type) -> dict[str, dict[str, Any]]:
    """{subtopic: {image: value of `column`}}; rows of a subtopic need not stand together, their order is kept.

    Ids and values are made into Python objects once, not once a row: most of the time of a score was spent on that.
    """
    import pyarrow as pa
    from pyarrow import compute

    from fieldguide.evaluation.measures.providers.ranked import BestFirst

    runs = compute.run_end_encode(pa.array(table["subtopic_id"], pa.large_string()))
    subtopics = runs.values.to_pylist()
    if len(set(subtopics)) < len(subtopics):
        return _by_subtopic(table.sort_values("subtopic_id", kind="stable"), column, kind)
    codes, found = pd.factorize(table["image_id"])
    ids = _checked([str(image) for image in found])
    texts = np.asarray(ids, dtype=object)[codes].tolist()
    values = table[column].to_numpy(dtype=np.int64)
    ends = runs.run_ends.to_numpy()
    dictionary = BestFirst if kind is float and _falls(values, ends) else dict
    pairs = zip(texts, _objects(values, kind), strict=True)
    sizes = np.diff(ends, prepend=0).tolist()
    named = zip(_checked(subtopics), sizes, strict=True)
    return {subtopic: dictionary(islice(pairs, size)) for subtopic, size in named}


def _falls(values: npt.NDArray[np.int64], ends: npt.NDArray[np.int32]) -> bool:
    """Whether (n,) values fall from each to the next, but where a subtopic ends."""
    falls = np.diff(values) < 0
    falls[ends[:-1] - 1] = True
    return bool(falls.all())


def _objects(values: npt.NDArray[np.int64], kind: type) -> list[Any]:
    """Values as `kind`, equal ones as one object; there are about as many as lie between the least and the greatest."""
    least, greatest = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    every = np.array([kind(value) for value in range(least, greatest + 1)], dtype=object)
    objects: list[Any] = every[values - least].tolist()
    return objects


def _checked(names: list[str]) -> list[str]:
    """The ids, if trec_eval can read them: its texts end at a NUL, ids become equal, and it ends the process."""
    if "\0" in "".join(names):
        raise FieldguideError(f"the id {next(n for n in names if chr(0) in n)!r} holds a NUL character; rename it")
    return names


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
