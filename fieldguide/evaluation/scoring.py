"""Scores of one run, subtopic by subtopic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldguide.errors import FieldguideError, Problem, ProblemsError
from fieldguide.evaluation.providers import GREATEST_GRADE, provider

if TYPE_CHECKING:
    from ir_measures import Measure


@dataclass(frozen=True, slots=True)
class Score:
    """One value. `defaulted`: the run had no line for the subtopic, the value is the measure's default."""

    subtopic_id: str
    measure: str
    value: float
    defaulted: bool


class Scorer:
    """Scores runs against one set of qrels."""

    def __init__(self, measures: Sequence[Measure], qrels: pd.DataFrame) -> None:
        """Prepare for the subtopics that `qrels` (records.QRELS) has; without a judgment there is nothing to score.

        Raises:
            ProblemsError: grades above GREATEST_GRADE.
            FieldguideError: ids that trec_eval cannot read.
        """
        _check_grades(qrels)
        self._texts = {measure: str(measure) for measure in measures}
        self._order = {text: place for place, text in enumerate(self._texts.values())}
        grades = qrels["grade"].to_numpy(dtype=np.int64).tolist()
        graded = _by_subtopic(qrels["subtopic_id"], qrels["image_id"], grades)
        self.subtopics = sorted(graded)
        self._evaluator: Any = provider().evaluator(measures, graded) if graded else None

    def score(self, run: pd.DataFrame) -> list[Score]:
        """Score a run (as `read_run` gives it): every subtopic and measure, in the order of ids and measures.

        A subtopic without a line gets the measure's default, as in trec_eval with -c; a line for a
        subtopic without judgments is not looked at. Measures over a topic's subtopics also take one list a
        topic, see `fieldguide.evaluation.providers.diversity`.

        Raises:
            FieldguideError: the run ranks a topic and its subtopics.
        """
        if self._evaluator is None:
            return []
        # Minus the rank is a score without ties, so that every provider ranks as trec_eval ranked the scores.
        ranked = _by_subtopic(run["subtopic_id"], run["image_id"], _minus(run["rank"].to_numpy(dtype=np.int64)))
        return sorted(self._scores(ranked), key=lambda score: (score.subtopic_id, self._order[score.measure]))

    def _scores(self, ranked: dict[str, dict[str, float]]) -> Iterator[Score]:
        from fieldguide.evaluation.providers.diversity import TOPIC_MEASURES, topic_of

        for subtopic, measure, value in self._evaluator.iter_calc(ranked):
            missing = subtopic not in ranked
            if missing and measure.NAME in TOPIC_MEASURES:
                missing = topic_of(subtopic) not in ranked
            yield Score(subtopic, self._texts[measure], float(value), missing)


def _by_subtopic(subtopics: pd.Series, images: pd.Series, values: list[Any]) -> dict[str, dict[str, Any]]:
    """{subtopic: {image: value}}; rows of a subtopic need not stand together, their order is kept.

    Every text is made into a Python object once, not once a row: half the time of a score was spent on that.
    """
    codes, names = _numbered(subtopics)
    image_codes, image_names = _numbered(images)
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        codes, image_codes = codes[order], image_codes[order]
        values = [values[row] for row in order.tolist()]
    texts = np.asarray(image_names, dtype=object)[image_codes].tolist()
    ends = np.append(np.flatnonzero(np.diff(codes)) + 1, len(codes)).tolist() if len(codes) else []
    return {
        names[codes[start]]: dict(zip(texts[start:end], values[start:end], strict=True))
        for start, end in zip([0, *ends], ends, strict=False)
    }


def _numbered(texts: pd.Series) -> tuple[npt.NDArray[np.intp], list[str]]:
    """Each text's number, and the texts by number."""
    codes, found = pd.factorize(texts)
    names = [str(name) for name in found]
    try:
        whole = "".join(names).encode()
    except UnicodeEncodeError as error:
        raise FieldguideError(f"an id is no valid text: {error.object[error.start - 10 : error.end + 10]!r}") from None
    if b"\0" in whole:  # trec_eval's texts end there: ids become equal, and then it ends the process
        raise FieldguideError(f"the id {next(n for n in names if chr(0) in n)!r} holds a NUL character; rename it")
    return np.asarray(codes), names


def _check_grades(qrels: pd.DataFrame) -> None:
    above = qrels[qrels["grade"] > GREATEST_GRADE]
    if len(above):
        rows = zip(above["subtopic_id"], above["image_id"], above["grade"], strict=True)
        raise ProblemsError(
            "grades that cannot be scored:",
            [
                Problem(f"{s} {i}", f"grade is {g}; the greatest that trec_eval can count is {GREATEST_GRADE}")
                for s, i, g in rows
            ],
        )


def _minus(ranks: npt.NDArray[np.int64]) -> list[float]:
    """Minus each rank; equal ranks are one object, of which a run has few."""
    unique, places = np.unique(-ranks, return_inverse=True)
    objects: list[float] = np.asarray(unique.astype(float).tolist(), dtype=object)[places].tolist()
    return objects
