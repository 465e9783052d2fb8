"""CSV: one row a label, for benchmarks that were never published in a form of their own.

Columns `topic_id`, `question`, `image`, `label`; optional `pool` (the name of the subtopic's pool), `entity` (what it
shows) and `answers` (a text, or a JSON list of texts). Every other column belongs to the question and must say the
same in all its rows. An empty label means not judged; a row without an image makes the question and pool known.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.formats.collection import PublishedBenchmark, PublishedPool, PublishedQuestion
from fieldguide.formats.text import rows, text
from fieldguide.formats.text.gathering import Gathering

NAME = "csv"
REQUIRED = ("topic_id", "question", "image", "label")


def read(path: Path) -> PublishedBenchmark:
    """Read a table.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: missing columns, rows of another length, topic ids that are none, and columns of a question
            that say different things in its rows; all of them.
    """
    table = rows.read(path, REQUIRED)
    found = Gathering(list(table.deviations))
    first: dict[str, dict[str, str]] = {}
    entities: dict[tuple[str, str], str] = {}
    for row, where in zip(table.rows, table.places, strict=True):
        cells = dict(zip(table.columns, row, strict=True))
        topic_id, pool, entity = cells["topic_id"], cells.get("pool", ""), cells.get("entity", "")
        about = {name: cell for name, cell in cells.items() if name not in {"pool", "entity", "image", "label"}}
        if topic_id not in first:
            first[topic_id] = about
            fields = {name: cell for name, cell in about.items() if name not in {"topic_id", "question"}}
            found.topic(topic_id, cells["question"], where, fields, _answers(about.get("answers", "")))
        found.problems += _contradictions(first[topic_id], about, where)
        if entities.setdefault((topic_id, pool), entity) != entity:
            what = f"`entity` of pool {pool!r} is {entity!r}, before it {entities[topic_id, pool]!r}"
            found.problems.append(Problem(where, what))
        if cells["image"] or cells["label"] or pool or entity:
            found.pool(topic_id, pool, where, entity or None)
        if cells["image"] or cells["label"]:
            found.label(topic_id, pool, cells["image"], cells["label"], where)
    if found.problems:
        raise ProblemsError(f"{path} cannot be read:", found.problems)
    name = path.name.split(".")[0]
    return PublishedBenchmark(name, NAME, found.questions(), tuple(found.deviations), files=(path.name,))


def recognise(path: Path) -> bool:
    """Whether the first line names the columns."""
    if path.is_dir():
        return False
    names = {name.strip('"') for name in text.first_line(path).strip().split(",")}
    return set(REQUIRED) <= names


def write(collection: PublishedBenchmark) -> dict[str, str]:
    """The table by its name. Of other formats, fields of questions that are no text are left out."""
    own = collection.format == NAME
    about = dict.fromkeys(name for q in collection.questions for name in q.fields) if own else ["answers"]
    columns = ["topic_id", "question", *about, "pool", "entity", "image", "label"]
    lines = [
        [row.get(name, "") for name in columns]
        for question in collection.questions
        for row in _question_rows(question, own)
    ]
    return {f"{collection.name}.csv": rows.write(columns, lines)}


def _question_rows(question: PublishedQuestion, own: bool) -> list[dict[str, str]]:
    about: dict[str, Any] = {"answers": json.dumps(list(question.answers), ensure_ascii=False)}
    about = {**(question.fields if own else about), "topic_id": question.topic_id, "question": question.text}
    if not question.pools:
        return [about]
    return [row for pool in question.pools for row in _pool_rows(pool, about)]


def _pool_rows(pool: PublishedPool, about: dict[str, Any]) -> list[dict[str, str]]:
    shared = {**about, "pool": pool.name, "entity": pool.entity or ""}
    labels = [{"image": image, "label": "" if label is None else str(label)} for image, label in pool.labels.items()]
    return [{**shared, **label} for label in labels or [{}]]


def _contradictions(first: dict[str, str], now: dict[str, str], where: str) -> list[Problem]:
    one = f"it must be one for topic {now['topic_id']}"
    return [
        Problem(where, f"`{name}` is {now[name]!r}, before it {first[name]!r}; {one}")
        for name in now
        if now[name] != first[name]
    ]


def _answers(cell: str) -> tuple[str, ...]:
    if cell.startswith("["):
        try:
            value = json.loads(cell)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list) and all(isinstance(answer, str) for answer in value):
            return tuple(value)
    return (cell,) if cell else ()
