"""Tables of annotation: what people are asked, and what was made of their answers."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import pandas as pd
import pyarrow as pa

from fieldguide.core.tables import Column, Table

_STR, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_STRS = pa.list_(pa.string())

Purpose = Literal["judge", "gold", "repeat", "adjudicate"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

ANYBODY = "anybody"
"""The assessor of a shared project in the plan: the server hands each page to as many people as are wanted."""

PLAN = Table(
    "plan",
    ("assessor", "task_key"),
    (
        Column("assessor", _STR, "who is asked (params.yaml); `anybody` in a shared project"),
        Column(
            "task_key",
            _STR,
            "fieldguide.annotation.judgments.log.task_key of subtopic, image, guideline version and pass",
        ),
        Column("subtopic_id", _STR, "topic x entity"),
        Column("image_id", _STR, "image to judge"),
        Column("guideline", _STR, "version to judge by"),
        Column("pass", _INT, "1; 2 where the same assessor is asked again"),
        Column("purpose", _STR, "why it is asked", allowed=PURPOSES),
        Column("sighted", _BOOL, "a model's guess is shown"),
        Column("rank", _INT, "place in pool order, from 1 (best rank, then the sample); 0: gold that is not pooled"),
        Column("page_key", _STR, "sha256 of the assessor and the task keys of the page, which is one task of the form"),
        Column("position", _INT, "place on the page, from 1"),
        Column("queue", _INT, "place of the page in the assessor's order, from 1"),
    ),
)


class PlanRow(NamedTuple):
    """One row of `PLAN`; `pass_` is the column `pass`."""

    assessor: str
    task_key: str
    subtopic_id: str
    image_id: str
    guideline: str
    pass_: int
    purpose: Purpose
    sighted: bool
    rank: int
    page_key: str
    position: int
    queue: int

    @property
    def pair(self) -> tuple[str, str]:
        """What is judged, whoever is asked: (subtopic_id, image_id)."""
        return self.subtopic_id, self.image_id


def plan_rows(plan: pd.DataFrame) -> list[PlanRow]:
    """Every row of the plan, in its order."""
    names = ["pass" if name == "pass_" else name for name in PlanRow._fields]
    return [PlanRow(*row) for row in zip(*(plan[name].tolist() for name in names), strict=True)]


DECISIONS = Table(
    "decisions",
    ("subtopic_id", "image_id"),
    (
        Column("subtopic_id", _STR, "topic x entity"),
        Column("image_id", _STR, "judged image"),
        Column("grade", _INT, "grade after adjudication; null: nobody's choice gives one", nullable=True),
        Column("decided_by", _STR, "as in records.QRELS; `nobody` where there is no grade"),
        Column("confidence", _FLOAT, "0..1, posterior of the grade under the model; null without one", nullable=True),
        Column("assessors", _STRS, "who gave a vote, also one without a grade; sorted"),
        Column("choices", _STRS, "their choices, in the order of `assessors`"),
        Column("adjudicator", _STR, "who ruled", nullable=True),
        Column("ruling", _STR, "the adjudicator's choice", nullable=True),
        Column("disagreement", _BOOL, "two votes say different things"),
    ),
)
