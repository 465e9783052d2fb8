"""Every table and record that leaves a stage, declared in one place.

A `Table` is a Parquet file's schema with its key; a record is one line of a JSONL file. Both are
checked when they are written and when they are read, so that a stage never meets input it does not
understand. `docs/data.md` shows where each file lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from fieldguide.core.tables import Column, Table
from fieldguide.records.topics import _read_records

_STR, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()


_STRS, _INTS = pa.list_(pa.string()), pa.list_(pa.int64())


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


def read_phrases(path: Path) -> list[Phrase]:
    """Read phrases.jsonl. Raises ProblemsError as `read_topics` does."""
    return _read_records(path, Phrase)


def read_components(path: Path) -> list[Component]:
    """Read components.jsonl. Raises ProblemsError as `read_topics` does."""
    return _read_records(path, Component)
