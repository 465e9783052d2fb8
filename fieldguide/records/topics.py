"""Topics and their subtopics, and the texts about them: phrases, components, recomposed captions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.files import content_key, read_jsonl, write_jsonl
from fieldguide.core.tables import SCHEMA_VERSION, Column, Table

_STR = pa.string()

FORMS = ("which", "both", "truth", "which-not", "entity")

RECOMPOSED = Table(
    "recomposed",
    ("subtopic_id", "drawing_id"),
    (
        Column("subtopic_id", _STR, "topic x entity"),
        Column("drawing_id", _STR, "a drawing of its phrase"),
        Column("text", _STR, "the drawing's caption, recomposed with the subtopic's text", nullable=True),
        Column("recomposer", _STR, "template, or chat:MODEL"),
        Column("status", _STR, "failed: there is no text", allowed=("ok", "failed")),
        Column("reason", _STR, "why it failed", nullable=True),
    ),
)

ROUNDS = Table(
    "rounds",
    ("subtopic_id", "round"),
    (
        Column("subtopic_id", _STR, "topic x entity"),
        Column("round", pa.int64(), "from 1; a subtopic whose phrase was left as it was is asked about no more"),
        Column("phrase", _STR, "as it was drawn in the round before"),
        Column("shown", pa.list_(_STR), "photographs that its drawings found, the most similar first"),
        Column("text", _STR, "the phrase from this round on"),
        Column("status", _STR, "kept, failed: text is phrase", allowed=("reworded", "kept", "failed")),
        Column("reason", _STR, "why it failed", nullable=True),
    ),
)


@dataclass(frozen=True)
class Topic:
    """One question about one or more entities (a line of topics.jsonl).

    `kind` is `comparison` (two or more entities) or `entity` (one: "What does X look like?").
    `answer` is the reference answer in words; `values` gives each entity's value of the feature.
    """

    topic_id: str
    kind: Literal["comparison", "entity"]
    form: str
    text: str
    entities: tuple[str, ...]
    feature: str
    part: str
    answer: str
    values: dict[str, str]
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def subtopics(self) -> tuple[Subtopic, ...]:
        """Topic x entity, numbered from 1 in the order the question names the entities."""
        return tuple(Subtopic(f"{self.topic_id}.e{n}", self, e) for n, e in enumerate(self.entities, 1))


@dataclass(frozen=True)
class Subtopic:
    """The unit of retrieval and of judging: one entity of one topic (`t3fa91c2e.e1`)."""

    subtopic_id: str
    topic: Topic
    entity_id: str


@dataclass(frozen=True)
class Phrase:
    """A subtopic rewritten for drawing: entity and part, never the feature's value (a line of phrases.jsonl)."""

    subtopic_id: str
    text: str
    rewriter: str


@dataclass(frozen=True)
class Component:
    """A query about one thing that a subtopic asks for: its entity or the part (a line of components.jsonl)."""

    subtopic_id: str
    about: Literal["entity", "part"]
    text: str


def topic_id(form: str, text: str, entities: Sequence[str], feature: str) -> str:
    """`t` and 8 hex digits of the sha256 of what is asked.

    Judgments hang on it: when questions are added or dropped, the others keep their identity.
    """
    return "t" + content_key(form=form, text=text, entities=list(entities), feature=feature)[:8]


@dataclass(frozen=True)
class Refusal:
    """Something composed that was not kept, with the reason (a line of refused.jsonl)."""

    what: str
    reason: str
    detail: str


def write_records(path: Path, records: Sequence[Any]) -> None:
    """Write dataclass records as JSONL, each with `schema_version`, atomically."""
    write_jsonl(path, ({**dataclasses.asdict(r), "schema_version": SCHEMA_VERSION} for r in records))


def read_topics(path: Path) -> list[Topic]:
    """Read topics.jsonl.

    Raises:
        ProblemsError: lines with missing or unknown fields, wrong types or duplicate ids; all of them.
    """
    topics = [
        dataclasses.replace(topic, entities=tuple(topic.entities)) for topic in _read_records(path, Topic)
    ]  # fmt: skip
    seen: set[str] = set()
    problems = []
    for topic in topics:
        if topic.topic_id in seen:
            problems.append(Problem(f"{path} {topic.topic_id}", "this topic_id occurs twice"))
        seen.add(topic.topic_id)
    if problems:
        raise ProblemsError(f"{path} is not a valid topics file:", problems)
    return topics


def asked_entities(path: Path) -> set[str]:
    """Every entity that a topic of topics.jsonl asks about. Raises as `read_topics`."""
    return {entity for topic in read_topics(path) for entity in topic.entities}


def read_refusals(path: Path) -> list[Refusal]:
    """Read refused.jsonl. Raises ProblemsError as `read_topics` does."""
    return _read_records(path, Refusal)


def read_phrases(path: Path) -> list[Phrase]:
    """Read phrases.jsonl. Raises ProblemsError as `read_topics` does."""
    return _read_records(path, Phrase)


def read_components(path: Path) -> list[Component]:
    """Read components.jsonl. Raises ProblemsError as `read_topics` does."""
    return _read_records(path, Component)


def _read_records(path: Path, record: type) -> list[Any]:
    fields = {f.name: f for f in dataclasses.fields(record)}
    required = {
        n for n, f in fields.items() if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    records, problems = [], []
    for number, row in read_jsonl(path):
        where = f"{path}:{number}"
        version = row.pop("schema_version", None)
        if version != SCHEMA_VERSION:
            problems.append(Problem(where, f"schema_version is {version!r}; expected {SCHEMA_VERSION}"))
        for name in sorted(required - set(row)):
            problems.append(Problem(where, f"`{name}` is missing"))
        for name in sorted(set(row) - set(fields)):
            problems.append(Problem(where, f"`{name}` is unknown; allowed: {', '.join(fields)}"))
        if required <= set(row) <= set(fields):
            records.append(record(**row))
    if problems:
        raise ProblemsError(f"{path} is not a valid {record.__name__.lower()} file:", problems)
    return records
