"""Grades of each kind of topic alone: what a release's results count, for tools that take a qrels file as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from fieldguide.evaluation.leaderboard.rows import KINDS
from fieldguide.records.runs import read_qrels_trec, write_qrels_trec
from fieldguide.records.topics import Topic

_COLUMNS = ["subtopic_id", "image_id", "grade"]


def write_kinds(folder: Path, topics: Sequence[Topic], qrels: pd.DataFrame) -> None:
    """Write qrels/KIND.trec for each kind that has grades.

    Args:
        folder: of the release.
        topics: of the release.
        qrels: records.QRELS.
    """
    for name, part in _kinds(topics, qrels):
        write_qrels_trec(folder / name, part)


def wrong_kinds(folder: Path, topics: Sequence[Topic], qrels: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """(file, what is wrong) where one does not hold just the grades of its kind. Arguments as of `write_kinds`."""
    made = dict(_kinds(topics, qrels))
    for name in (_file(kind) for kind in KINDS):
        if name not in made:
            if (folder / name).exists():
                yield name, "is there, and no topic of that kind is graded"
            continue
        wanted, found = (_rows(frame) for frame in (made[name], read_qrels_trec(folder / name)))
        if found != wanted:
            yield name, "holds other grades than qrels/qrels.parquet has of that kind of topic"


def _kinds(topics: Sequence[Topic], qrels: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for kind in KINDS:
        own = {s.subtopic_id for topic in topics if topic.kind == kind for s in topic.subtopics}
        part = qrels[qrels["subtopic_id"].isin(list(own))]
        if len(part):
            yield _file(kind), part


def _file(kind: str) -> str:
    return f"qrels/{kind}.trec"


def _rows(frame: pd.DataFrame) -> list[tuple[str, str, int]]:
    return sorted(frame[_COLUMNS].astype({"grade": int}).itertuples(index=False, name=None))
