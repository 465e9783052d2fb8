"""Qrels, runs and scores as short as tests need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.measures.scoring import RunScorer, Score
from fieldguide.records.judgments import QRELS
from fieldguide.records.runs import rank_images, read_run, write_run

Grades = Mapping[str, Mapping[str, int]]
Scores = Mapping[str, Mapping[str, float]]


def qrels_of(grades: Grades) -> pd.DataFrame:
    return QRELS.frame([
        {"subtopic_id": s, "image_id": i, "grade": g, "assessors": ["a"], "judgments": 1, "decided_by": "single"}
        for s, by in grades.items() for i, g in by.items()
    ])  # fmt: skip


def run_of(scores: Scores) -> pd.DataFrame:
    """What `read_run` gives of these scores, without the file."""
    lines = [line for s, by in sorted(scores.items()) for line in rank_images(s, list(by), list(by.values()), "s")]
    rows = [(x.subtopic_id, x.image_id, x.rank, x.score, x.system) for x in lines]
    return pd.DataFrame(rows, columns=["subtopic_id", "image_id", "rank", "score", "system"])


def written_run(scores: Scores, folder: Path) -> pd.DataFrame:
    """What `read_run` gives of a file with these scores."""
    lines = [line for s, by in scores.items() for line in rank_images(s, list(by), list(by.values()), "s")]
    write_run(folder / "s.trec", lines)
    return read_run(folder / "s.trec")


def score(grades: Grades, run: pd.DataFrame, measures: Sequence[str]) -> list[Score]:
    return RunScorer(parse_measures(measures), qrels_of(grades)).score(run)


def values(grades: Grades, scores: Scores, measures: Sequence[str]) -> dict[tuple[str, str], float]:
    """Value by (subtopic, measure)."""
    return {(s.subtopic_id, s.measure): s.value for s in score(grades, run_of(scores), measures)}
