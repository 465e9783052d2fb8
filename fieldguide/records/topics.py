"""Every table and record that leaves a stage, declared in one place.

A `Table` is a Parquet file's schema with its key; a record is one line of a JSONL file. Both are
checked when they are written and when they are read, so that a stage never meets input it does not
understand. `docs/data.md` shows where each file lies.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.files import content_key, read_jsonl, write_jsonl
from fieldguide.core.tables import SCHEMA_VERSION

_STR, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()


_STRS, _INTS = pa.list_(pa.string()), pa.list_(pa.int64())


FORMS = ("which", "both", "truth", "which-not", "entity")


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


def read_refusals(path: Path) -> list[Refusal]:
    """Read refused.jsonl. Raises ProblemsError as `read_topics` does."""
    return _read_records(path, Refusal)


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
