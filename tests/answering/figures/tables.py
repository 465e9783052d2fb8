"""Small tables of answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from fieldguide.records.answers import ANSWERS


def row(topic: str, outcome: str, context: str = "none", **values: Any) -> dict[str, Any]:
    """An answer to a topic, scored by its outcome."""
    score = None if outcome == "unscored" else float(outcome == "correct")
    said = {"correct": "yes", "wrong": "no"}.get(outcome)
    nothing: dict[str, Any] = dict.fromkeys(("reason", "confidence", "prompt_tokens", "completion_tokens"))
    lists: dict[str, Any] = {"subtopics": [], "kinds": [], "keys": [], "relevant": []}
    return {
        "answerer": "it", "context": context, "order": "ranked", "topic_id": topic, **lists, "reply": "words",
        "said": said, "outcome": outcome, "score": score, "scored_by": "rules", **nothing, "cost": 0.0, **values,
    }  # fmt: skip


def outcomes(context: str, marks: str, **values: Any) -> list[dict[str, Any]]:
    """Topics t0, t1, ... of one context: c(orrect), w(rong), a(bstained), p: unparseable, u(nscored)."""
    words = {"c": "correct", "w": "wrong", "a": "abstained", "p": "unparseable", "u": "unscored"}
    return [row(f"t{n}", words[mark], context, **values) for n, mark in enumerate(marks)]


def table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """As `write_answers` has it; refuses what is no table of answers."""
    frame = ANSWERS.frame(list(rows))
    assert list(ANSWERS.problems(frame, "answers")) == []
    return frame
