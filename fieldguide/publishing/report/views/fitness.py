"""Is the collection fit to measure with? What fitness.json says, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fieldguide.evaluation.leaderboard.rows import KIND_NAMES, TRACK_NAMES
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.views.health import Cells, View

_ABOUT = {
    "unjudged": "Images nobody judged",
    "reusability": "Systems that come later",
    "pooling": "What pools would have missed",
    "noise": "Other assessors",
    "chance": "Chance",
    "duplicates": "Near duplicates",
}
_ORDER = {"problem": 0, "note": 1, "ok": 2}
_LISTED = 200


def fitness(benchmark: Benchmark) -> View:
    """What fitness.html.j2 shows: findings, worst first, then the tables; `assumed` is None where it was measured."""
    values = benchmark.fitness
    found = sorted(values["findings"], key=lambda line: _ORDER[line["verdict"]])
    lines = [(f["verdict"], _ABOUT[f["about"]], _where(f["where"]), f["text"]) for f in found]
    noise = [board["noise"] for board in values["boards"]]
    return {
        "measure": values["measure"],
        "counts": {verdict: sum(line["verdict"] == verdict for line in found) for verdict in _ORDER},
        "cards": [
            {"verdict": verdict, "heading": f"{about}: {where}", "text": text}
            for verdict, about, where, text in lines
            if verdict != "ok"
        ],
        "in_order": Cells(("about", "where", "what was found"), tuple(line[1:] for line in lines if line[0] == "ok")),
        "assumed": next((n["disagreement"] for n in noise if not n["measured"]), None),
        "draws": noise[0]["draws"],
        "boards": [_board(board) for board in values["boards"]],
        "contradictions": _contradictions(values["duplicates"]["contradictions"]),
    }


def _board(board: Mapping[str, Any]) -> View:
    """One track and kind; `left_out` and `pooling` are None where the question does not arise."""
    unjudged = board["unjudged"]
    return {
        "title": f"{TRACK_NAMES[board['track']].capitalize()}, {KIND_NAMES[board['kind']]}",
        "unjudged": _unjudged(unjudged),
        "turns": _turns(unjudged["turns"]),
        "pooling": None if board["pooling"] is None else _pooling(board["pooling"]),
        "left_out": None if board["reusability"] is None else _left_out(board["reusability"]),
        "noise": _noise(board["noise"]),
        "chance": _chance(board["chance"]),
    }


def _unjudged(values: Mapping[str, Any]) -> Cells:
    rows = tuple(
        (
            row["system"],
            f"{row['judged']:.1%}",
            *_numbers(row[n] for n in ("score", "condensed", "bpref", "low", "high")),
        )
        for row in values["systems"]
    )
    heads = ("system", f"judged@{values['cutoff']}", "score", "condensed", "Bpref", "worst case", "best case")
    return Cells(heads, rows, frozenset(range(1, 7)))


def _turns(turns: list[Mapping[str, Any]]) -> Cells:
    rows = tuple((t["better"], t["worse"], *_numbers((t["difference"], t["low"]))) for t in turns[:_LISTED])
    heads = ("ahead", "behind", "difference", "least difference")
    return Cells(heads, rows, frozenset({2, 3}), len(turns) - len(rows))


def _left_out(left_out: list[Mapping[str, Any]]) -> Cells:
    rows = []
    for left in left_out:
        fall = max(moved["before"] - moved["after"] for moved in left["moved"])
        ranks = max(moved["rank_after"] - moved["rank_before"] for moved in left["moved"])
        name = f"{left['name']} (family)" if left["family"] else left["name"]
        tau = "all ties" if left["tau"] is None else f"{left['tau']:.2f}"
        rows.append(
            (name, left["lost"], left["lost_relevant"], f"{0.0 - round(fall, 3):+.3f}", ranks, left["others"], tau)
        )
    heads = (
        "left out", "judgments lost", "of them relevant", "its score", "ranks it loses", "others move by up to", "tau",
    )  # fmt: skip
    return Cells(heads, tuple(rows), frozenset(range(1, 7)))


def _pooling(values: Mapping[str, Any]) -> Cells:
    rows = tuple((row["system"], *_numbers((row["score"], row["pooled"]))) for row in values["systems"])
    return Cells(("system", "score", "by pools alone"), rows, frozenset({1, 2}))


def _noise(values: Mapping[str, Any]) -> Cells:
    rows = tuple(
        (row["system"], f"{row['score']:.3f}", f"{row['first']:.1%}", f"{row['low']:.3f} to {row['high']:.3f}")
        for row in values["systems"]
    )
    return Cells(("system", "score", "first in", "90 % of the draws"), rows, frozenset({1, 2, 3}))


def _chance(values: Mapping[str, Any]) -> Cells:
    rows: list[tuple[str, ...]] = []
    for name, key in (("a random order a subtopic", "independent"), ("one random order for all", "shared")):
        drawn = values[key]
        expected = "" if drawn["expected"] is None else f"; exactly {drawn['expected']:.4f} expected"
        rows.append((name, f"{drawn['mean']:.3f}", f"{drawn['low']:.3f} to {drawn['high']:.3f}{expected}"))
    for row in (*values["degenerate"], *values["real"]):
        rows.append((row["system"], f"{row['score']:.3f}", row["verdict"]))
    return Cells(("system", "score", "beside chance"), tuple(rows), frozenset({1}))


def _contradictions(pairs: list[Mapping[str, Any]]) -> Cells:
    rows = tuple(
        (p["subtopic_id"], p["first"], p["first_grade"], p["second"], p["second_grade"], p["distance"])
        for p in pairs[:_LISTED]
    )
    heads = ("subtopic", "image", "grade", "near duplicate", "grade", "bits apart")
    return Cells(heads, rows, frozenset({2, 4, 5}), len(pairs) - len(rows))


def _where(where: str) -> str:
    track, _, kind = where.partition(", ")
    return f"{TRACK_NAMES[track]}, {KIND_NAMES[kind]}" if kind else where


def _numbers(values: Iterable[float]) -> tuple[str, ...]:
    return tuple(f"{value:.3f}" for value in values)
