"""Answers from elsewhere, scored as those of stage `answer` are: what `fieldguide answer score` shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.answering.asking import closed_outcome, judged_outcome
from fieldguide.answering.closed.scoring import habits, names_of, references_of
from fieldguide.answering.figures.accuracy import TopicEntities, rounded, scores_of
from fieldguide.answering.scoring.judging import Judges
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import read_jsonl
from fieldguide.evaluation.statistics.intervals import bounded_interval
from fieldguide.formats import own_benchmark
from fieldguide.formats.reading import read as read_published
from fieldguide.records.answers import OUTCOMES
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import Topic, read_topics

_FREE = "free"
_CONFIDENCE = 0.95
_KEYS = ("topic_id", "answer")


@dataclass(frozen=True)
class AnsweredBenchmark:
    """Questions with reference answers. `references` holds the closed ones, `names` each entity's names."""

    name: str
    topics: tuple[Topic, ...]
    references: Mapping[str, str]
    names: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class ScoredAnswers:
    """What became of a file of answers.

    Attributes:
        benchmark: its name.
        rows: topic_id, form, answer, said, outcome, score, scored_by, reason of each topic that was answered.
        missing: topics without an answer; they count as not right.
        unscored: topics whose answer is free and nobody judges, or whose judges failed; they count nowhere.
        accuracy, low, high: over all topics that can be scored; the interval knows that topics share entities.
        outcomes: how many of each, `missing` among them.
        by_form: the same accuracy by form, with what the most frequent answer of the form would give.
    """

    benchmark: str
    rows: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]
    unscored: tuple[str, ...]
    accuracy: float | None
    low: float | None
    high: float | None
    outcomes: dict[str, int]
    by_form: tuple[dict[str, Any], ...]


def read_answered(path: Path, form: str | None = None) -> AnsweredBenchmark:
    """The questions of a release, a repository, an import or a published file.

    Of published files a reference answer that begins with yes or no is closed, and all others are free: their records
    do not say which words of an answer decide.

    Raises:
        FieldguideError: nothing of the kind is there, or no question has a reference answer.
    """
    if form is None and own_benchmark.recognise(path):
        files = own_benchmark.files_of(path)
        topics = tuple(topic for topic in read_topics(files.topics) if topic.answer)  # a release may withhold some
        names = names_of(ENTITIES.read(files.entities))
        return AnsweredBenchmark(path.resolve().name, topics, references_of(topics, names), names)
    published = read_published(form, path)
    asked = [question for question in published.questions if question.answers]
    if not asked:
        raise FieldguideError(f"{path}: no question has a reference answer")
    topics = tuple(_topic(q.topic_id, q.text, q.answers[0], tuple(p.entity or p.name for p in q.pools)) for q in asked)
    return AnsweredBenchmark(published.name, topics, references_of(topics, {}), {})


def read_answer_file(path: Path) -> dict[str, str]:
    """topic_id to answer, from JSONL with these two keys a line; other keys are not looked at.

    Raises:
        ProblemsError: every line that is no such object, and every topic that is answered twice.
    """
    found: dict[str, str] = {}
    problems = []
    for number, row in read_jsonl(path):
        where = f"{path}:{number}"
        lacking = [key for key in _KEYS if not isinstance(row.get(key), str)] if isinstance(row, dict) else list(_KEYS)
        if lacking:
            problems.append(Problem(where, f"{' and '.join(lacking)} must be text; a line is {{topic_id, answer}}"))
        elif row["topic_id"] in found:
            problems.append(Problem(where, f"topic {row['topic_id']} has an answer already"))
        else:
            found[row["topic_id"]] = row["answer"]
    if problems:
        raise ProblemsError(f"{path} is no file of answers:", problems)
    if not found:
        raise FieldguideError(f"{path}: holds no answer; a line is {{topic_id, answer}}")
    return found


def score_answers(path: Path, benchmark: AnsweredBenchmark, judges: Judges | None = None) -> ScoredAnswers:
    """Score a file of answers.

    Raises:
        ProblemsError: as `read_answer_file`; topics that the benchmark does not have.
    """
    answers, topics = read_answer_file(path), {topic.topic_id: topic for topic in benchmark.topics}
    unknown = [name for name in answers if name not in topics]
    if unknown:
        likely = ", ".join(list(topics)[:3])
        problems = [
            Problem(str(path), f"topic {name} is not one of {benchmark.name} ({likely}, ...)") for name in unknown
        ]
        raise ProblemsError(f"{path} answers other questions:", problems)
    rows = [_row(topics[name], answer, benchmark) for name, answer in answers.items()]
    free = [row for row in rows if row["scored_by"] is None]
    if judges is not None:
        asked = [(topics[row["topic_id"]].text, topics[row["topic_id"]].answer, row["answer"]) for row in free]
        for row, verdict in zip(free, judges.score(asked), strict=True):
            row.update(judged_outcome(verdict))
    scorable = [t.topic_id for t in benchmark.topics if t.topic_id in benchmark.references or judges is not None]
    return _summed(benchmark, rows, [name for name in scorable if name not in answers])


def _row(topic: Topic, answer: str, benchmark: AnsweredBenchmark) -> dict[str, Any]:
    row: dict[str, Any] = {"topic_id": topic.topic_id, "form": topic.form, "answer": answer, "said": None}
    right = benchmark.references.get(topic.topic_id)
    if right is None:
        why = "free answer: name judges"
        return row | {"outcome": "unscored", "score": None, "scored_by": None, "reason": why}
    return row | closed_outcome(answer, topic, right, benchmark.names) | {"reason": None}


def _summed(benchmark: AnsweredBenchmark, rows: Sequence[dict[str, Any]], missing: Sequence[str]) -> ScoredAnswers:
    scores = scores_of(pd.DataFrame([{k: row[k] for k in ("topic_id", "score")} for row in rows]))
    scores = pd.concat([scores, pd.Series(0.0, index=list(missing), dtype=float)])
    entities = TopicEntities.of({topic.topic_id: topic.entities for topic in benchmark.topics})
    mean = low = high = None
    if len(scores):
        data = entities.clusters(scores)
        ends = bounded_interval(data, _CONFIDENCE)
        mean, low, high = (rounded(value[0]) for value in (data.mean, *ends))
    counts = Counter(row["outcome"] for row in rows)
    forms = {topic.topic_id: topic.form for topic in benchmark.topics}
    return ScoredAnswers(
        benchmark=benchmark.name,
        rows=tuple(rows),
        missing=tuple(missing),
        unscored=tuple(row["topic_id"] for row in rows if row["outcome"] == "unscored"),
        accuracy=mean,
        low=low,
        high=high,
        outcomes={name: counts[name] for name in OUTCOMES} | {"missing": len(missing)},
        by_form=tuple(
            _of_form(form, scores, forms, benchmark) for form in dict.fromkeys(forms[t] for t in scores.index)
        ),
    )


def _of_form(
    form: str, scores: pd.Series[float], forms: Mapping[str, str], benchmark: AnsweredBenchmark
) -> dict[str, Any]:
    own = scores[[forms[topic] == form for topic in scores.index]]
    counts = [some for (name, _), some in habits(benchmark.topics, benchmark.references).items() if name == form]
    closed = sum(some.total() for some in counts)
    habit = rounded(sum(max(some.values()) for some in counts) / closed) if closed else None
    return {"form": form, "topics": len(own), "accuracy": rounded(own.mean()), "most frequent answer": habit}


def _topic(topic_id: str, text: str, answer: str, entities: tuple[str, ...]) -> Topic:
    """A published question; its form says how its answer is read."""
    form = "truth" if re.match(r"(yes|no)\b", answer.strip(), re.IGNORECASE) else _FREE
    return Topic(topic_id, "comparison", form, text, entities, "", "", answer.strip(), {})
