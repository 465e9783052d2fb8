"""Data health: how many, from where, what was refused and why, what is judged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fieldguide.evaluation.measures.parsing import JUDGED
from fieldguide.publishing.benchmark import Benchmark

_LISTED = 500

View = dict[str, Any]
"""A part of the page: what its template shows, by name."""


@dataclass(frozen=True)
class Cells:
    """A table: heads and rows of text and numbers. `numeric` columns are set flush right; `more` rows were cut off."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    numeric: frozenset[int] = frozenset()
    more: int = 0


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram: subtopics with `low` to `high` relevant images."""

    low: int
    high: int
    count: int


def health(benchmark: Benchmark) -> View:
    """What health.html.j2 shows of the data."""
    groups = benchmark.groups
    refused = groups[~groups["accepted"].astype(bool)]
    refusals = pd.DataFrame([vars(r) for r in benchmark.refused_topics], columns=["what", "reason", "detail"])
    failed = benchmark.drawings[benchmark.drawings["status"] == "failed"]
    pooled = benchmark.pools[["subtopic_id", "image_id"]].merge(benchmark.qrels, how="left")
    checks = benchmark.checks
    return {
        "images": _images(benchmark),
        "rejected": _counts(benchmark.rejected, "source", "reason"),
        "rejections": _listing(benchmark.rejected, "source", "source_key", "reason", "detail"),
        "duplicates": _counts(benchmark.duplicates, "kind", "across_splits"),
        "refused_groups": _counts(refused.assign(reason=refused["reason"].map(_kind_of_reason)), "reason"),
        "groups": _listing(groups.sort_values("score", ascending=False), "group_id", "score", "accepted", "reason"),
        "refused_topics": _counts(refusals, "reason"),
        "refusals": _listing(refusals, "what", "reason", "detail"),
        "failed_drawings": _listing(failed, "prompt", "index", "seed", "reason"),
        "drawings": len(benchmark.drawings),
        "checks": _checks(checks),
        "checks_passed": sum(check["success"] for check in checks),
        "checks_warned": sum(not check["success"] for check in checks),
        "judged": _judged(benchmark),
        "positives": positives(benchmark),
        "unjudged_pooled": int(pooled["grade"].isna().sum()),
    }


def positives(benchmark: Benchmark, bars: int = 12) -> tuple[Bar, ...]:
    """Relevant images a subtopic, as at most `bars` bars of equal whole width; a subtopic without any counts as 0."""
    qrels = benchmark.qrels
    found = qrels[qrels["grade"] > 0].groupby("subtopic_id").size()
    counts = [int(found.get(subtopic, 0)) for subtopic in benchmark.subtopics]
    if not counts:
        return ()
    least, width = min(counts), -(-(max(counts) - min(counts) + 1) // bars)
    lows = range(least, max(counts) + 1, width)
    return tuple(Bar(low, low + width - 1, sum(low <= count < low + width for count in counts)) for low in lows)


def judged_shares(benchmark: Benchmark) -> dict[str, float]:
    """judged@10 on the whole gallery, by system: which share of the first ten images of all subtopics was judged."""
    scores = benchmark.scores
    scores = scores[(scores["track"] == "fullrank") & (scores["measure"] == JUDGED)]
    return {str(system): float(mean) for system, mean in scores.groupby("system")["value"].mean().items()}


def _images(benchmark: Benchmark) -> Cells:
    images = benchmark.images.assign(
        licence=benchmark.images["licence"].map(lambda licence: licence or "not stated"),
        labelled=benchmark.images["entity_id"].notna(),
    )
    columns = ["source", "split", "licence"]
    rows = [
        (*key, len(part), int(part["labelled"].sum()), part["entity_id"].nunique())
        for key, part in images.groupby(columns, sort=True)
    ]
    total = ("all", "", "", len(images), int(images["labelled"].sum()), images["entity_id"].nunique())
    heads = (*columns, "images", "with an entity", "entities")
    return Cells(heads, (*rows, total), frozenset({3, 4, 5}))


def _judged(benchmark: Benchmark) -> Cells:
    pooled = set(benchmark.params.pool.systems)
    shares = judged_shares(benchmark)
    rows = []
    for system in benchmark.params.retrieve.systems:
        share = shares.get(system)
        judged = "all" if benchmark.complete else "-" if share is None else f"{share:.1%}"
        rows.append((system, "yes" if system in pooled else "no", judged))
    return Cells(("system", "in the pool", "judged@10"), tuple(rows), frozenset({2}))


def _checks(checks: list[dict[str, Any]]) -> Cells:
    rows = []
    for check in checks:
        outcome = "passed" if check["success"] else "failed" if check["severity"] == "error" else "warned"
        shown = ", ".join(str(row) for row in check.get("rows", [])[:5])
        rows.append((outcome, check["table"], check["expectation"], check["unexpected"], shown))
    order = {"failed": 0, "warned": 1, "passed": 2}
    rows.sort(key=lambda row: order[row[0]])
    return Cells(("outcome", "table", "expectation", "rows at fault", "such as"), tuple(rows), frozenset({3}))


def _listing(frame: pd.DataFrame, *columns: str) -> Cells:
    """The first rows of a table as text: a page holds hundreds of them, its table may hold millions."""
    head = frame[list(columns)].head(_LISTED)
    rows = tuple(tuple(_text(value) for value in row) for row in head.itertuples(index=False, name=None))
    numeric = frozenset(i for i, name in enumerate(columns) if name in ("score", "index", "seed"))
    return Cells(tuple(name.replace("_", " ") for name in columns), rows, numeric, len(frame) - len(head))


def _counts(frame: pd.DataFrame, *columns: str) -> Cells:
    counts = frame.groupby(list(columns), sort=True).size().sort_values(ascending=False, kind="stable")
    rows = [(*(_text(v) for v in (key if isinstance(key, tuple) else (key,))), n) for key, n in counts.items()]
    heads = (*(name.replace("_", " ") for name in columns), "count")
    return Cells(heads, tuple(rows), frozenset({len(columns)}))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _kind_of_reason(reason: str) -> str:
    """The reason alone, without numbers and what else was found, so that those of one kind are counted together."""
    return re.sub(r"\d+(\.\d+)?", "…", reason.partition(";")[0])
