"""Intervals, tie groups and comparisons of a release, made again from its scores, parameters and topics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem
from fieldguide.evaluation.leaderboard.rows import Row, comparisons, leaderboard
from fieldguide.params import read_params
from fieldguide.records.topics import Topic

# The files are rounded to six digits, and another machine may round the seventh to the other side.
_TOLERANCE = 2e-6
_KEY = ("track", "kind", "system", "baseline", "measure")


def wrong_statistics(
    folder: Path, topics: Sequence[Topic], scores: pd.DataFrame, stated: dict[str, Any]
) -> Iterator[Problem]:
    """Rows of leaderboard.json and comparisons.json that are not those of scores, parameters and topics.

    Args:
        folder: of the release.
        topics: of the release.
        scores: records.SCORES.
        stated: what leaderboard.json and comparisons.json hold, by file name.
    """
    entities = {s.subtopic_id: s.entity_id for topic in topics for s in topic.subtopics}
    try:
        settings = read_params(folder / "params.yaml").evaluate
        known = scores["subtopic_id"].isin(list(entities))
        compared = comparisons(scores[known], settings, entities)
        board = leaderboard(scores[known], settings, entities, compared)
    except FieldguideError as error:
        yield Problem(str(folder / "scores.parquet"), f"cannot be compared again: {error}")
        return
    for name, rows in (("leaderboard.json", board), ("comparisons.json", compared)):
        yield from _differing(str(folder / name), rows, stated[name])


def _differing(where: str, made: Sequence[Row], stated: Any) -> Iterator[Problem]:
    if not isinstance(stated, list) or not all(isinstance(row, dict) for row in stated):
        yield Problem(where, "is not a list of rows")
        return
    given = {_key(row): row for row in stated}
    for row in made:
        found = given.pop(_key(row), None)
        if found is None:
            yield Problem(where, f"lacks {' '.join(_key(row))}")
            continue
        for field in sorted(row | found):
            if not _alike(row.get(field), found.get(field)):
                what = f"{' '.join(_key(row))}: {field} is {found.get(field)!r}; the scores give {row.get(field)!r}"
                yield Problem(where, what)
    for key in given:
        yield Problem(where, f"holds {' '.join(key)}, of which there are no scores")


def _key(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in _KEY if name in row)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float | int):
        return abs(one - other) <= _TOLERANCE
    return bool(one == other)
