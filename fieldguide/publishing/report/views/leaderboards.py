"""Leaderboards as a reader sees them: one a track and kind of topic, best system first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fieldguide.evaluation.leaderboard.rows import KIND_NAMES, KINDS, TRACK_NAMES, sensitivity
from fieldguide.params import Params
from fieldguide.params.seen import seen
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.views.health import Cells, View
from fieldguide.records.runs import TRACKS, IndexRecall
from fieldguide.retrieval.systems.sections.baselines import RandomSystem


def boards(benchmark: Benchmark) -> list[View]:
    """Every board that has rows, fullrank before rerank, comparison before entity.

    `best`: each measure's greatest mean. `effect`: the greatest design effect of the headline's means: 1 where topics
    share no entity. `sensitivity`: which difference so many topics show, in words. `pairs`: every comparison by the
    headline measure. `rows`: as `_row`, best first.
    """
    made = (_board(benchmark, track, kind) for track in TRACKS for kind in KINDS)
    return [board for board in made if board is not None]


def _board(benchmark: Benchmark, track: str, kind: str) -> View | None:
    evaluate = benchmark.params.evaluate
    found = {
        (line["system"], line["measure"]): line
        for line in benchmark.leaderboard
        if (line["track"], line["kind"]) == (track, kind)
    }
    headlines = {system: line for (system, measure), line in found.items() if measure == evaluate.headline}
    if not headlines:
        return None
    pairs = [
        line
        for line in benchmark.comparisons
        if (line["track"], line["kind"], line["measure"]) == (track, kind, evaluate.headline)
    ]
    against = {line["system"]: line for line in pairs if line["baseline"] == evaluate.baseline}
    order = sorted(headlines, key=lambda system: (-headlines[system]["mean"], system))
    measures = list(dict.fromkeys([*evaluate.measures, *(measure for _, measure in found)]))
    recalls = benchmark.recalls if track == "fullrank" else {}
    first = headlines[order[0]]
    baseline = headlines.get(evaluate.baseline)
    return {
        "track": track,
        "kind": kind,
        "anchor": f"board-{track}-{kind}",
        "title": f"{TRACK_NAMES[track].capitalize()}, {KIND_NAMES[kind]}",
        "topics": first["topics"],
        "subtopics": first["subtopics"],
        "measures": measures,
        "best": [max(line["mean"] for (_, m), line in found.items() if m == measure) for measure in measures],
        "baseline": baseline["mean"] if baseline else None,
        "rows": [
            _row(benchmark.params, system, found, measures, against.get(system), recalls.get(system, ()))
            for system in order
        ],
        "effect": max(line["design_effect"] for line in headlines.values()),
        "sensitivity": sensitivity(pairs, first["topics"], evaluate),
        "pairs": _pairs(pairs),
    }


def _pairs(lines: list[dict[str, Any]]) -> Cells:
    """Comparisons, the surest first."""
    heads = (
        "system", "less", "difference", "interval", "q", "Wilcoxon q", "wins, ties, losses", "d", "topics needed",
        "least difference seen", "interval",
    )  # fmt: skip
    rows = [
        (
            line["system"],
            line["baseline"],
            f"{line['difference']:+.3f}".replace("-", "−"),
            f"{line['low']:+.3f} to {line['high']:+.3f}".replace("-", "−"),
            p_text(line["q"]),
            p_text(line["wilcoxon_q"]),
            f"{line['wins']}, {line['ties']}, {line['losses']}",
            None if line["d"] is None else f"{line['d']:+.2f}".replace("-", "−"),
            line["topics_needed"],
            None if line["detectable"] is None else f"{line['detectable']:.3f}",
            None if line["detectable"] is None else f"{line['detectable_low']:.3f} to {line['detectable_high']:.3f}",
        )
        for line in sorted(lines, key=lambda line: (line["q"], -abs(line["difference"]), line["system"]))
    ]
    return Cells(heads, tuple(rows), numeric=frozenset(range(2, len(heads))))


def p_text(value: float) -> str:
    """A p value or a q as papers print it."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _row(
    params: Params,
    system: str,
    found: dict[tuple[str, str], dict[str, Any]],
    measures: list[str],
    against: dict[str, Any] | None,
    recalls: Iterable[IndexRecall],
) -> View:
    """One system: `means` in the order of the board's measures; no difference for the baseline itself.

    Systems whose `group` shares a letter are not significantly different by the headline measure.
    """
    role = "baseline" if system == params.evaluate.baseline else ""
    if isinstance(params.systems.get(system), RandomSystem):
        role = "chance"
    compared = against if role != "baseline" else None
    headline = found[system, params.evaluate.headline]
    return {
        "system": system,
        "words": "; ".join([params.systems[system].description, *map(str, recalls)]),
        "seen": seen(params, system),
        "role": role,
        "family": params.systems[system].kind,
        "headline": _estimate(headline, "mean"),
        "means": [_estimate(found[system, m], "mean") if (system, m) in found else None for m in measures],
        "difference": _estimate(compared, "difference") if compared else None,
        "q": compared["q"] if compared else None,
        "group": headline["group"] or "",
    }


def _estimate(line: dict[str, Any], name: str) -> View:
    """A mean or a difference with its interval."""
    return {"value": line[name], "low": line["low"], "high": line["high"]}
