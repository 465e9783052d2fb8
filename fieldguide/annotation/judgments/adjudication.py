"""Adjudication: one grade for each pair from all judgments of it, with who judged and how it was decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from fieldguide.annotation.judgments.consensus import Consensus, Decision, by_majority, dawid_skene
from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.annotation.judgments.log import Log, LogEntry
from fieldguide.annotation.judgments.votes import Pair, answer, graded, rulings, votes
from fieldguide.core.files import write_json
from fieldguide.records.judgments import QRELS
from fieldguide.records.plan import DECISIONS
from fieldguide.records.runs import write_qrels_trec

Rule = Literal["majority", "dawid-skene"]


@dataclass(frozen=True)
class Adjudication:
    """What became of all judged pairs.

    Attributes:
        qrels: records.QRELS, sorted by (subtopic_id, image_id).
        decisions: records.plan.DECISIONS: every judged pair, the ungraded too, with what each person said.
        consensus: what the rule made of the assessors' votes, before the adjudicator.
        ungraded: judged pairs without a grade: no judgment gives one (`cannot-tell`, `broken-image`), or the
            adjudicator's does not.
        unjudged: pooled pairs that nobody judged.
    """

    qrels: pd.DataFrame
    decisions: pd.DataFrame
    consensus: Consensus
    ungraded: tuple[Pair, ...]
    unjudged: tuple[Pair, ...]


def adjudicate(
    entries: Iterable[LogEntry], pools: pd.DataFrame, rule: Rule = "majority", gold: Mapping[Pair, int] | None = None
) -> Adjudication:
    """Decide every judged pair: by the adjudicator where there is a ruling, else by the rule from the votes.

    `votes` says which judgments are votes. A choice without a grade is no vote for any grade; where the
    adjudicator rules so, the pair stays ungraded, whatever the assessors said.

    Args:
        entries: the log.
        pools: records.POOLS.
        rule: `consensus.by_majority` or `consensus.dawid_skene`.
        gold: known grades; with the adjudicator's they help `dawid-skene` to estimate errors. Under `majority` a
            gold pair is decided like any other.
    """
    lines = list(entries)
    said, ruled = votes(lines), rulings(lines)
    cast = {pair: graded(by) for pair, by in said.items()}
    consensus = by_majority(cast) if rule == "majority" else dawid_skene(cast, _known(ruled, gold))
    qrels, decisions, ungraded = [], [], []
    for pair in sorted({*said, *ruled}):
        by, ruling = said.get(pair, {}), ruled.get(pair)
        decided = _ruled(ruling) if ruling else consensus.decisions.get(pair)
        decisions.append(_decision_row(pair, by, ruling, decided))
        if decided is None:
            ungraded.append(pair)
        else:
            qrels.append(_qrel(pair, cast.get(pair, {}), ruling, decided))
    pooled = sorted(zip(pools["subtopic_id"], pools["image_id"], strict=True))
    return Adjudication(
        qrels=QRELS.frame(qrels),
        decisions=DECISIONS.frame(decisions),
        consensus=consensus,
        ungraded=tuple(ungraded),
        unjudged=tuple(pair for pair in pooled if pair not in said and pair not in ruled),
    )


def grade_definitions(guidelines: Iterable[Guideline], log: Log, complete: bool = False) -> dict[str, Any]:
    """What grades.json holds: each grade's definition under its number, what they rest on, and the log's head.

    `complete`: the whole gallery was judged, so that an image without a grade is not relevant.
    """
    used = list(guidelines)
    grades = {str(grade): words for guideline in used for grade, words in sorted(guideline.grades.items())}
    return grades | {
        "about": " ".join(guideline.about for guideline in used),
        "guidelines": [guideline.version for guideline in used],
        "log": {"lines": len(log.entries), "head": log.head},
        **({"complete": True} if complete else {}),
    }


def write_qrels(folder: Path, qrels: pd.DataFrame, definitions: dict[str, Any]) -> None:
    """Write qrels.parquet, qrels.trec and grades.json."""
    QRELS.write(folder / "qrels.parquet", qrels)
    write_qrels_trec(folder / "qrels.trec", qrels)
    write_json(folder / "grades.json", definitions)


def _known(ruled: Mapping[Pair, LogEntry], gold: Mapping[Pair, int] | None) -> dict[Pair, int]:
    """True grades: gold's, and the adjudicator's, who has looked at this very disagreement."""
    return {**(gold or {}), **{pair: e.grade for pair, e in ruled.items() if e.grade is not None}}


def _ruled(ruling: LogEntry) -> Decision | None:
    return None if ruling.grade is None else Decision(ruling.grade, "adjudicator")


def _qrel(pair: Pair, cast: Mapping[str, int], ruling: LogEntry | None, decided: Decision) -> dict[str, Any]:
    who = [*cast, ruling.assessor] if ruling else list(cast)
    return {
        "subtopic_id": pair[0],
        "image_id": pair[1],
        "grade": decided.grade,
        "assessors": sorted(who),
        "judgments": len(who),
        "decided_by": decided.decided_by,
    }


def _decision_row(
    pair: Pair, by: Mapping[str, LogEntry], ruling: LogEntry | None, decided: Decision | None
) -> dict[str, Any]:
    return {
        "subtopic_id": pair[0],
        "image_id": pair[1],
        "grade": decided.grade if decided else None,
        "decided_by": decided.decided_by if decided else "nobody",
        "confidence": decided.confidence if decided else None,
        "assessors": list(by),
        "choices": [vote.choice for vote in by.values()],
        "adjudicator": ruling.assessor if ruling else None,
        "ruling": ruling.choice if ruling else None,
        "disagreement": len({answer(vote) for vote in by.values()}) > 1,
    }
