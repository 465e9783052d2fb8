"""Adjudication: from what assessors said to one grade a pair, with how it was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from annotation.guidelines import Guideline
from annotation.log import Entry, Log, current
from fieldguide.files import write_json
from fieldguide.records import QRELS
from fieldguide.retrieval.runs import write_qrels_trec


@dataclass(frozen=True)
class Adjudication:
    """Attributes.

    qrels: records.QRELS, sorted by (subtopic_id, image_id).
    ungraded: pairs whose every judgment gives no grade (`cannot-tell`, `broken-image`).
    unjudged: pooled pairs that nobody judged.
    """

    qrels: pd.DataFrame
    ungraded: tuple[tuple[str, str], ...]
    unjudged: tuple[tuple[str, str], ...]


def adjudicate(entries: Iterable[Entry], pools: pd.DataFrame) -> Adjudication:
    """Decide every judged pair by the majority of its assessors' current judgments.

    An assessor has one vote a pair: the latest line of the log, also where the assessor was asked again
    (another pass, a newer guideline). A choice without a grade is no vote. The grade of more than half
    of the votes wins; where there is none, the lower median of the votes does (of a tie between 0 and
    1 the lower), so that a doubt never makes an image relevant.
    """
    latest: dict[tuple[str, str], dict[str, Entry]] = {}
    for entry in current(entries):
        latest.setdefault((entry.subtopic_id, entry.image_id), {})[entry.assessor] = entry
    votes = {
        pair: {a: e.grade for a, e in sorted(by.items()) if e.grade is not None} for pair, by in sorted(latest.items())
    }
    rows = [_qrel(*pair, list(by), list(by.values())) for pair, by in votes.items() if by]
    pooled = sorted(zip(pools["subtopic_id"], pools["image_id"], strict=True))
    return Adjudication(
        qrels=QRELS.frame(rows),
        ungraded=tuple(pair for pair, by in votes.items() if not by),
        unjudged=tuple(pair for pair in pooled if pair not in latest),
    )


def majority(votes: Sequence[int]) -> tuple[int, str]:
    """The grade of one or more votes, and how it was decided: single, unanimous, majority or tie."""
    grade, count = Counter(votes).most_common(1)[0]
    if len(votes) == 1:
        return grade, "single"
    if count == len(votes):
        return grade, "unanimous"
    if 2 * count > len(votes):
        return grade, "majority"
    return sorted(votes)[(len(votes) - 1) // 2], "tie"


def grade_definitions(guidelines: Iterable[Guideline], log: Log) -> dict[str, Any]:
    """What grades.json holds: each grade's definition under its number, what they rest on, and the log's head."""
    used = list(guidelines)
    grades = {str(grade): words for guideline in used for grade, words in sorted(guideline.grades.items())}
    return grades | {
        "about": " ".join(guideline.about for guideline in used),
        "guidelines": [guideline.version for guideline in used],
        "log": {"lines": len(log.entries), "head": log.head},
    }


def write_qrels(folder: Path, qrels: pd.DataFrame, definitions: dict[str, Any]) -> None:
    """Write qrels.parquet, qrels.trec and grades.json."""
    QRELS.write(folder / "qrels.parquet", qrels)
    write_qrels_trec(folder / "qrels.trec", qrels)
    write_json(folder / "grades.json", definitions)


def _qrel(subtopic_id: str, image_id: str, assessors: list[str], votes: list[int]) -> dict[str, Any]:
    grade, decided_by = majority(votes)
    return {
        "subtopic_id": subtopic_id,
        "image_id": image_id,
        "grade": grade,
        "assessors": assessors,
        "judgments": len(votes),
        "decided_by": decided_by,
    }
