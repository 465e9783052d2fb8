"""Runs and judgments as numbers: the grade of every ranked image is looked up once, for all measures.

A measure of one list needs the grades in rank order and those of the judged images that the list lacks; no id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from ir_measures import Measure

Ints = npt.NDArray[np.int64]

UNJUDGED = int(np.iinfo(np.int64).min)
"""In the place of a grade that nobody gave; below every grade, so that no threshold reaches it."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One subtopic's list and judgments.

    Attributes:
        grades: (n,) grade of each ranked image, best first; UNJUDGED where there is none.
        missed: (m,) grades of the judged images that are not ranked, in no order.
    """

    grades: Ints
    missed: Ints

    def relevant(self, measure: Measure) -> npt.NDArray[np.bool_]:
        """(n,) whether each ranked image is relevant, by the measure's `rel`."""
        return np.asarray(self.grades >= measure["rel"])

    def positives(self, measure: Measure) -> int:
        """Number of relevant images, ranked or not."""
        rel = measure["rel"]
        return int(np.count_nonzero(self.grades >= rel) + np.count_nonzero(self.missed >= rel))


@dataclass(frozen=True)
class SubtopicRows:
    """A table's rows, those of a subtopic together.

    Attributes:
        parts: rows of each subtopic.
        images: every image id once.
        codes: (rows,) place in `images` of each row's image.
        values: (rows,) whole numbers of one column.
    """

    parts: dict[str, slice]
    images: list[str]
    codes: Ints
    values: Ints

    @classmethod
    def of(cls, table: pd.DataFrame, column: str) -> SubtopicRows:
        """SubtopicRows of a subtopic need not stand together; their order is kept."""
        import pyarrow as pa
        from pyarrow import compute

        runs = compute.run_end_encode(pa.array(table["subtopic_id"], pa.large_string()))
        subtopics, ends = _checked(runs.values.to_pylist()), runs.run_ends.to_pylist()
        if len(set(subtopics)) < len(subtopics):
            return cls.of(table.sort_values("subtopic_id", kind="stable"), column)
        codes, found = pd.factorize(table["image_id"])
        parts = dict(zip(subtopics, map(slice, [0, *ends], ends), strict=True))
        return cls(parts, _checked([str(image) for image in found]), codes, table[column].to_numpy(dtype=np.int64))

    def rise(self) -> bool:
        """Whether the values of every subtopic rise from row to row."""
        rises = np.diff(self.values) > 0
        rises[[part.stop - 1 for part in self.parts.values()][:-1]] = True
        return bool(rises.all())

    def ids(self) -> dict[str, list[str]]:
        """Image ids by subtopic, in the order of the rows."""
        ids = np.asarray(self.images, dtype=object)[self.codes].tolist()
        return {subtopic: ids[part] for subtopic, part in self.parts.items()}


@dataclass(frozen=True)
class Lists:
    """A run.

    Attributes:
        rows: its lines, best first, also those of subtopics without judgments.
        ranked: by subtopic, for those that have both lines and judgments.
    """

    rows: SubtopicRows
    ranked: dict[str, Ranked]


class Judgments:
    """Qrels, to look the grades of runs up in."""

    def __init__(self, qrels: pd.DataFrame) -> None:
        self._rows = SubtopicRows.of(qrels, "grade")
        self._places = pd.Index(self._rows.images, dtype=object)
        self.subtopics = sorted(self._rows.parts)

    def grades(self) -> dict[str, dict[str, int]]:
        """{subtopic: {image: grade}}."""
        parts = self._rows.parts
        ids, values = self._rows.ids(), self._rows.values
        return {s: dict(zip(ids[s], values[part].tolist(), strict=True)) for s, part in parts.items()}

    def look_up(self, run: pd.DataFrame) -> Lists:
        """The lists of a run and their grades."""
        rows = _best_first(run)
        codes = self._places.get_indexer(pd.Index(rows.images, dtype=object))[rows.codes]
        # A grade for each image that is judged for any subtopic, and one behind them, at -1, for those that are not.
        grades = np.full(len(self._places) + 1, UNJUDGED)
        judged = [subtopic for subtopic in rows.parts if subtopic in self._rows.parts]
        return Lists(rows, {s: self._ranked(self._rows.parts[s], codes[rows.parts[s]], grades) for s in judged})

    def _ranked(self, judged: slice, codes: Ints, grades: Ints) -> Ranked:
        """`grades` is UNJUDGED throughout, before and after: one array serves all subtopics."""
        known = self._rows.codes[judged]
        grades[known] = self._rows.values[judged]
        found = grades[codes]
        grades[codes] = UNJUDGED
        missed = grades[known]
        grades[known] = UNJUDGED
        return Ranked(found, missed[missed != UNJUDGED])


def _best_first(run: pd.DataFrame) -> SubtopicRows:
    """SubtopicRows by rising rank; equal ranks by falling id, as trec_eval orders equal scores."""
    rows = SubtopicRows.of(run, "rank")
    if rows.rise():
        return rows
    order = ["subtopic_id", "rank", "image_id"]
    return SubtopicRows.of(run.sort_values(order, ascending=[True, True, False]), "rank")


def _checked(names: list[str]) -> list[str]:
    """The ids, if trec_eval can read them, here or from a file: its texts end at a NUL, and ids become equal."""
    if "\0" in "".join(names):
        raise FieldguideError(f"the id {next(n for n in names if chr(0) in n)!r} holds a NUL character; rename it")
    return names
