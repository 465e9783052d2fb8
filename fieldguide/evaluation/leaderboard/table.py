"""The leaderboard for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fieldguide.evaluation.leaderboard.rows import KIND_NAMES, KINDS, TRACK_NAMES, sensitivity
from fieldguide.evaluation.measures.parsing import JUDGED
from fieldguide.evaluation.section import Evaluate
from fieldguide.records.runs import TRACKS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 200
_Q = "q"


def print_leaderboard(
    leaderboard: Sequence[dict[str, Any]],
    comparisons: Sequence[dict[str, Any]],
    evaluate: Evaluate,
    console: Console | None = None,
    seen: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Print one table a track and kind, best system by the headline measure first.

    A narrow terminal loses measures from the right, never digits of one. Where the output is no
    terminal, nothing is cut, and there are no colours unless FORCE_COLOR asks for them.

    Args:
        leaderboard: rows of leaderboard.json.
        comparisons: rows of comparisons.json.
        evaluate: order of measures, headline, baseline, confidence.
        console: where to print; standard output if None.
        seen: what of the benchmark each system has seen, its initials stand in a column; None: no such column.
    """
    from rich.console import Console

    shown = console or Console()
    if console is None and not shown.is_terminal:
        shown = Console(width=_WIDE)
    for track in TRACKS:
        for kind in KINDS:
            rows = [row for row in leaderboard if (row["track"], row["kind"]) == (track, kind)]
            pairs = [
                row
                for row in comparisons
                if (row["track"], row["kind"], row["measure"]) == (track, kind, evaluate.headline)
            ]
            against = {row["system"]: row for row in pairs if row["baseline"] == evaluate.baseline}
            if rows:
                shown.print(_fitting(rows, against, evaluate, shown, seen))
                shown.print(f"[dim]{sensitivity(pairs, rows[0]['topics'], evaluate)}[/]")
    interval = f"{evaluate.confidence:.0%} interval over topics"
    shown.print(
        f"[dim]Means over subtopics; in brackets the {interval}; difference from {evaluate.baseline}. "
        f"Systems that share a letter are not told apart (q > {evaluate.alpha:g}); q is the p of the randomisation "
        "test, corrected for all pairs (Benjamini-Hochberg).[/]"
    )


def _fitting(
    rows: Sequence[dict[str, Any]],
    against: dict[str, dict[str, Any]],
    evaluate: Evaluate,
    console: Console,
    seen: Mapping[str, Sequence[str]] | None,
) -> Table:
    """The table with as many measures as fit, the headline always among them; q goes when they are all gone."""
    measures = [m for m in (*evaluate.measures, JUDGED) if m != evaluate.headline]
    measures = [m for m in dict.fromkeys(measures) if any(row["measure"] == m for row in rows)]
    more = [_Q, *measures]
    table = _table(rows, against, evaluate, more, seen)
    while more and console.measure(table, options=console.options.update(width=_WIDE)).maximum > console.width:
        more.pop()
        table = _table(rows, against, evaluate, more, seen)
    return table


def _table(
    rows: Sequence[dict[str, Any]],
    against: dict[str, dict[str, Any]],
    evaluate: Evaluate,
    more: Sequence[str],
    seen: Mapping[str, Sequence[str]] | None,
) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    values = {(row["system"], row["measure"]): row for row in rows}
    first = rows[0]
    title = (
        f"{TRACK_NAMES[first['track']].capitalize()} ({first['track']}), {KIND_NAMES[first['kind']]}: "
        f"{first['topics']} topics, {first['subtopics']} subtopics"
    )
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("system", no_wrap=True)
    if seen is not None:
        table.add_column("seen", no_wrap=True)
    table.add_column("ties", no_wrap=True)
    for name in (evaluate.headline, "", "difference", *more):
        table.add_column(name, justify="right", no_wrap=True)
    headlines = [row for row in rows if row["measure"] == evaluate.headline]
    for row in sorted(headlines, key=lambda row: (-row["mean"], row["system"])):
        difference = against.get(row["system"])
        delta = "" if difference is None else f"{difference['difference']:+.3f}"
        if row["system"] == evaluate.baseline:
            delta = "baseline"
        q = "" if difference is None else _p(difference["q"])
        found = {name: values.get((row["system"], name)) for name in more}
        means = [q if name == _Q else f"{line['mean']:.3f}" if line else "" for name, line in found.items()]
        interval = escape(f"[{row['low']:.3f}, {row['high']:.3f}]")
        known = [] if seen is None else ["".join(key[0] for key in seen.get(row["system"], ())) or "-"]
        group = row["group"] or ""
        shown = (f"[bold]{row['mean']:.3f}[/]", f"[dim]{interval}[/]", delta, *means)
        table.add_row(escape(row["system"]), *known, group, *shown)
    return table


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
