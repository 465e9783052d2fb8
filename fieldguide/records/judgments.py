"""Tables of what is judged: pools, and grades after adjudication (qrels)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from fieldguide.core.files import read_json
from fieldguide.core.tables import Column, Table

AGREEMENT_VERSION = 1
"""Of data/qrels/agreement.json, which fieldguide/annotation/agreement/summary.py writes and the report reads."""

_STR, _INT, _BOOL = pa.string(), pa.int64(), pa.bool_()
_STRS, _INTS = pa.list_(pa.string()), pa.list_(pa.int64())

POOLS = Table(
    "pools",
    ("subtopic_id", "image_id"),
    (
        Column("subtopic_id", _STR, "topic x entity"),
        Column("image_id", _STR, "image to judge"),
        Column("systems", _STRS, "systems that ranked it within the pool depth, sorted"),
        Column("ranks", _INTS, "their ranks, from 1, in the order of `systems`"),
        Column("best_rank", _INT, "least of the ranks", nullable=True),
        Column("sampled", _BOOL, "drawn by the seeded random sample"),
    ),
)

QRELS = Table(
    "qrels",
    ("subtopic_id", "image_id"),
    (
        Column("subtopic_id", _STR, "topic x entity"),
        Column("image_id", _STR, "judged image"),
        Column("grade", _INT, "grade after adjudication, see grades.json"),
        Column("assessors", _STRS, "who judged, sorted"),
        Column("judgments", _INT, "how many current judgments"),
        Column("decided_by", _STR, "single, unanimous, majority, adjudicator, ..."),
    ),
)


def in_pools(qrels: pd.DataFrame, pools: pd.DataFrame) -> pd.DataFrame:
    """The rows of QRELS whose image is in its subtopic's pool: what a system that ranks pools is scored by."""
    key = ["subtopic_id", "image_id"]
    return qrels[pd.MultiIndex.from_frame(qrels[key]).isin(pd.MultiIndex.from_frame(pools[key]))]


def complete(grades: Path) -> bool:
    """Whether grades.json says that the whole gallery was judged: an image without a grade is not relevant then."""
    stated = read_json(grades) if grades.exists() else None
    return isinstance(stated, dict) and stated.get("complete") is True
