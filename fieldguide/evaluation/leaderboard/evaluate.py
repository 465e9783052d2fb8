"""The stage `evaluate` without its flow: score every system on both tracks, write data/evaluation/."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open, write_json
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.evaluation.leaderboard.rows import comparisons, leaderboard, metrics, plotted
from fieldguide.evaluation.measures.parsing import JUDGED, parse_measures
from fieldguide.evaluation.measures.scoring import RunScorer, Score
from fieldguide.evaluation.section import Evaluate
from fieldguide.records.judgments import POOLS, QRELS, complete, in_pools
from fieldguide.records.runs import TRACKS, read_run
from fieldguide.records.scores import SCORES
from fieldguide.records.topics import Subtopic, read_topics

COLUMNS = ("track", "kind", "system", "measure", "mean", "low", "high", "design_effect", "group", "subtopics", "topics")


@dataclass(frozen=True)
class Evaluation:
    """What data/evaluation/ holds.

    Attributes:
        scores: records.SCORES.
        leaderboard: rows as `fieldguide.evaluation.leaderboard.rows.leaderboard` makes them.
        comparisons: likewise.
        unjudged: subtopics without a judgment; they are scored nowhere.
        empty: number of subtopics that a run has no line for, by (track, system); they have the measure's default.
    """

    scores: pd.DataFrame
    leaderboard: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    unjudged: tuple[str, ...]
    empty: Mapping[tuple[str, str], int]


def evaluate(section: Evaluate, systems: Sequence[str], paths: Paths, track: Track = silent) -> Evaluation:
    """Score systems on both tracks: on `rerank` by the judgments of the pool that is ranked.

    Raises:
        FieldguideError: nothing is judged, or a file is missing.
        ProblemsError: measures that nothing computes, runs or tables that are not valid.
    """
    named = [measure for measure in section.measures if measure != JUDGED]
    if not complete(paths.qrels / "grades.json"):  # else every image is judged, whether it has a line or not
        named.append(JUDGED)
    measures = parse_measures(named)
    subtopics = {s.subtopic_id: s for topic in read_topics(paths.topics) for s in topic.subtopics}
    qrels = QRELS.read(paths.qrels / "qrels.parquet")
    qrels = qrels[qrels["subtopic_id"].isin(list(subtopics))]
    if qrels.empty:
        raise FieldguideError(f"{paths.qrels / 'qrels.parquet'}: no judgment for any subtopic of {paths.topics}")
    runs = [(name, system) for name in TRACKS for system in systems]
    pooled = RunScorer(measures, in_pools(qrels, POOLS.read(paths.pools)))
    scorers = {"fullrank": RunScorer(measures, qrels), "rerank": pooled}
    rows = [
        _row(name, system, score, subtopics[score.subtopic_id])
        for name, system in track(runs, "evaluating", unit="runs", total=len(runs))
        for score in scorers[name].score(read_run(paths.run(name, system)))
    ]
    scores = SCORES.frame(rows).astype({"value": float, "defaulted": bool})
    first = str(measures[0])
    empty = Counter((row["track"], row["system"]) for row in rows if row["defaulted"] and row["measure"] == first)
    entities = {name: subtopic.entity_id for name, subtopic in subtopics.items()}
    compared = comparisons(scores, section, entities)
    return Evaluation(
        scores,
        leaderboard(scores, section, entities, compared),
        compared,
        tuple(sorted(set(subtopics) - set(qrels["subtopic_id"]))),
        dict(empty),
    )


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write scores.parquet, leaderboard.json and .csv, comparisons.json, and for DVC metrics.json and plot.json."""
    SCORES.write(folder / "scores.parquet", evaluation.scores)
    write_json(folder / "leaderboard.json", evaluation.leaderboard)
    write_json(folder / "comparisons.json", evaluation.comparisons)
    write_json(folder / "metrics.json", metrics(evaluation.leaderboard))
    write_json(folder / "plot.json", plotted(evaluation.leaderboard))
    with atomic_open(folder / "leaderboard.csv") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(evaluation.leaderboard)


def _row(track: str, system: str, score: Score, subtopic: Subtopic) -> dict[str, Any]:
    return {
        "track": track,
        "system": system,
        "topic_id": subtopic.topic.topic_id,
        "kind": subtopic.topic.kind,
        "subtopic_id": score.subtopic_id,
        "measure": score.measure,
        "value": score.value,
        "defaulted": score.defaulted,
    }
