"""Answers of a release read again by the rules, and its figures of them made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.answering.asking import closed_outcome
from fieldguide.answering.closed.scoring import names_of, references_of
from fieldguide.core.errors import Problem
from fieldguide.records.answers import OUTCOMES, RULES
from fieldguide.records.topics import Topic

# answering.json is rounded to six digits.
_TOLERANCE = 1e-6


def wrong_answers(
    folder: Path, topics: list[Topic], entities: pd.DataFrame, answers: pd.DataFrame, answering: Any
) -> Iterator[Problem]:
    """Outcomes that are not what the rules read, and counts and accuracies that are not those of the answers.

    Args:
        folder: of the release.
        topics: of the release.
        entities: records.ENTITIES.
        answers: records.ANSWERS.
        answering: as answering.json holds it.
    """
    yield from _outcomes(folder, topics, entities, answers)
    where = str(folder / "answering.json")
    try:
        stated = {(row["answerer"], row["context"]): row for row in answering["accuracy"]}
        figures = {key: (row["accuracy"], {name: row[name] for name in OUTCOMES}) for key, row in stated.items()}
    except (KeyError, TypeError) as error:
        yield Problem(where, f"holds no figures of answers: {error!r}")
        return
    ranked = answers[answers["order"] == "ranked"]
    made = {(str(a), str(c)): some for (a, c), some in ranked.groupby(["answerer", "context"], sort=True)}
    for key in sorted(set(made) | set(figures)):
        name = ", ".join(key)
        if key not in made or key not in figures:
            yield Problem(where, f"{name}: {'is missing' if key in made else 'has no answers in answers.parquet'}")
            continue
        some, (mean, counts) = made[key], figures[key]
        found = {outcome: int((some["outcome"] == outcome).sum()) for outcome in OUTCOMES}
        scores = some["score"].dropna().astype(float)
        if found != counts:
            yield Problem(where, f"{name}: says {counts}; the answers give {found}")
        same = mean is None if scores.empty else isinstance(mean, float) and abs(scores.mean() - mean) <= _TOLERANCE
        if not same:
            given = "none" if scores.empty else f"{scores.mean():.6f}"
            yield Problem(where, f"{name}: accuracy is {mean}; the answers give {given}")


def _outcomes(folder: Path, topics: list[Topic], entities: pd.DataFrame, answers: pd.DataFrame) -> Iterator[Problem]:
    names = names_of(entities)
    by_id, right = {topic.topic_id: topic for topic in topics}, references_of(topics, names)
    columns = ["topic_id", "answerer", "context", "order", "reply", "scored_by", "said", "outcome"]
    for topic_id, answerer, context, order, reply, by, said, outcome in answers[columns].itertuples(index=False):
        where = f"{folder / 'answers.parquet'}: {answerer}, {context}, {order}, {topic_id}"
        if topic_id not in by_id:
            yield Problem(where, "the topic is not one of topics.jsonl")
            continue
        expected = right.get(topic_id)
        if by != RULES or reply is None or expected is None:
            continue
        read = closed_outcome(reply, by_id[topic_id], expected, names)
        if (read["said"], read["outcome"]) != (said, outcome):
            yield Problem(where, f"says {said}, {outcome}; the rules read {read['said']}, {read['outcome']}")
