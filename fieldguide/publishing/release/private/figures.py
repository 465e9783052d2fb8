"""Figures over the public part alone: of private topics no mean is published either.

Two means, one over all topics and one over the public ones, give away the mean over the private ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.annotation.agreement.grading import grade
from fieldguide.annotation.agreement.summary import write_summary
from fieldguide.annotation.judgments import log
from fieldguide.answering.contexts.choosing import contexts
from fieldguide.answering.figures.accuracy import TopicEntities, accuracy_rows, coverage_rows, order_rows
from fieldguide.answering.figures.findings import findings
from fieldguide.answering.figures.quality import quality_rows
from fieldguide.core.files import read_text, write_json
from fieldguide.core.paths import Paths
from fieldguide.evaluation.fitness.assess import assess, write_fitness
from fieldguide.evaluation.judged import JudgedBenchmark
from fieldguide.evaluation.leaderboard.rows import comparisons, leaderboard
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.release.private.draw import PrivatePart
from fieldguide.records.answers import ANSWERS
from fieldguide.records.scores import SCORES


def write_figures(benchmark: Benchmark, part: PrivatePart, public: Paths) -> None:
    """Write evaluation, fitness, answers, agreement and checks of the public part, whose tables are there already."""
    scores = benchmark.scores[~benchmark.scores["subtopic_id"].isin(list(part.subtopics))].reset_index(drop=True)
    _evaluation(benchmark, scores, public)
    _fitness(benchmark, public)
    _answers(benchmark, part, scores, public)
    _agreement(benchmark, public)
    write_json(public.checks / "checks.json", {"checks": list(_checks(benchmark, part))})


def _evaluation(benchmark: Benchmark, scores: pd.DataFrame, public: Paths) -> None:
    settings = benchmark.params.evaluate
    entities = {name: subtopic.entity_id for name, subtopic in benchmark.subtopics.items()}
    compared = comparisons(scores, settings, entities)
    SCORES.write(public.evaluation / "scores.parquet", scores)
    write_json(public.evaluation / "comparisons.json", compared)
    write_json(public.evaluation / "leaderboard.json", leaderboard(scores, settings, entities, compared))


def _fitness(benchmark: Benchmark, public: Paths) -> None:
    params = benchmark.params
    part = JudgedBenchmark(public, benchmark.systems)
    write_fitness(public.fitness, assess(part, params.fitness, params.evaluate, params.pool.systems, params.systems))


def _answers(benchmark: Benchmark, part: PrivatePart, scores: pd.DataFrame, public: Paths) -> None:
    """Answers to public topics that were shown nothing of a private subtopic, and what they say."""
    whole, evaluate = benchmark.answers, benchmark.params.evaluate
    public_rows = [
        topic not in part.topics and part.subtopics.isdisjoint(shown)
        for topic, shown in zip(whole["topic_id"], whole["subtopics"], strict=True)
    ]
    answers = whole[public_rows].reset_index(drop=True)
    topics = [topic for topic in part.all if topic.topic_id not in part.topics]
    entities = TopicEntities.of({topic.topic_id: topic.entities for topic in topics})
    accuracy = accuracy_rows(answers, entities, evaluate)
    asked, kinds = answers["topic_id"].nunique(), benchmark.answering["answerers"]
    shown = [c for c in contexts(benchmark.params.answer.settled) if c.name in benchmark.answering["contexts"]]
    made: dict[str, Any] = {
        "topics": asked,
        "not_asked": len(topics) - asked,
        "unscored": dict(sorted(Counter(answers["reason"].dropna()).items())),
        "accuracy": [asdict(row) for row in accuracy],
        "orders": [asdict(row) for row in order_rows(answers)],
        "coverage": [asdict(row) for row in coverage_rows(answers)],
        "quality": [asdict(r) for r in quality_rows(answers, scores[scores["measure"] == evaluate.headline], shown)],
        "findings": [asdict(row) for row in findings(answers, accuracy, kinds, entities, evaluate)],
    }
    ANSWERS.write(public.answers, answers)
    write_json(public.answering, benchmark.answering | made)


def _agreement(benchmark: Benchmark, public: Paths) -> None:
    """How far people agree on public subtopics, where people judged."""
    if not (benchmark.paths.qrels / "agreement.json").exists():
        return
    params, annotate = benchmark.params, benchmark.params.annotate
    if annotate.gold and not _has_gold(public, public.root / annotate.gold):
        annotate = annotate.model_copy(update={"gold": None, "gold_share": 0})
    judged = log.read(public.judgments)
    known = {*annotate.people, *(entry.assessor for entry in judged.entries)}  # of some, all judgments are withheld
    excluded = {name: why for name, why in params.adjudicate.excluded.items() if name in known}
    section = params.adjudicate.model_copy(update={"excluded": excluded})
    grades = grade(judged, public, section, annotate)
    write_summary(public.qrels, grades.agreement(annotate, params.pool))


def _has_gold(public: Paths, gold: Path) -> bool:
    """Whether any control question is public. Elsewhere than in annotation/ none were taken out: all are left out."""
    return gold.parent == public.annotation and gold.is_file() and len(read_text(gold).splitlines()) > 1


def _checks(benchmark: Benchmark, part: PrivatePart) -> Iterator[dict[str, Any]]:
    """Checks of which no finding names what is private."""
    hidden = part.subtopics | set(part.topics)
    for check in benchmark.checks:
        named = {word for row in check["rows"] for word in str(row).replace(",", " ").split()}
        if hidden.isdisjoint(named):
            yield check
