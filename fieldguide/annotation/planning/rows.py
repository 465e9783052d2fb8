"""The plan's rows as typed records."""

from __future__ import annotations

from typing import Literal, NamedTuple

import pandas as pd

Purpose = Literal["judge", "gold", "repeat", "adjudicate"]


class PlanRow(NamedTuple):
    """One row of annotation.tables.PLAN; `pass_` is the column `pass`."""

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


def plan_rows(plan: pd.DataFrame) -> list[PlanRow]:
    """Every row of the plan, in its order."""
    names = ["pass" if name == "pass_" else name for name in PlanRow._fields]
    return [PlanRow(*row) for row in zip(*(plan[name].tolist() for name in names), strict=True)]
