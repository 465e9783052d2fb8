"""A comparison of two releases, printed."""

from __future__ import annotations

from typing import Any

from fieldguide.publishing.comparing.comparison import ReleaseComparison
from fieldguide.publishing.comparing.effects import SystemEffect
from fieldguide.publishing.comparing.told import boards
from fieldguide.publishing.report.pages import signed
from fieldguide.runtime.tables import show, show_json

_COLUMNS = ("system", "was", "is", "change", "topics", "images", "labels", "ranking", "p", "ties", "why")


def show_comparison(comparison: ReleaseComparison, shown: int, as_json: bool) -> None:
    """Print what changed, the systems whose scores did, and what the version must be."""
    if as_json:
        show_json(comparison)
        return
    for group, counts in comparison.counts.items():
        found = [change for change in comparison.changes if change.group == group]
        print(f"{group}: " + ", ".join(f"{counts[what]:,} {what}" for what in sorted(counts)))
        for change in found[:shown]:
            told = f": {change.old} -> {change.new}" if change.what == "changed" else ""
            print(f"  {printable(f'{change.key} {change.what}{told}')}")
        if len(found) > shown:
            print(f"  and {len(found) - shown:,} more")
    for name, rows in boards(comparison):
        moved = [_row(row) for row in rows if row.p is not None or row.topics or None in (row.old, row.new)]
        if moved:
            print(f"\n{comparison.measure}, {name}:")
            show(moved, _COLUMNS)
    print(f"\nversion: {comparison.verdict.why}" if comparison.changes else comparison.verdict.why)


def _row(row: SystemEffect) -> dict[str, Any]:
    change = None if row.old is None or row.new is None else row.new - row.old
    return {
        "system": row.system,
        "was": "" if row.old is None else f"{row.old:.3f}",
        "is": "" if row.new is None else f"{row.new:.3f}",
        "change": signed(change),
        **{name: signed(getattr(row, name)) for name in ("topics", "images", "labels", "ranking")},
        "p": "" if row.p is None else f"{row.p:.3f}",
        "ties": row.group_new if row.group_old == row.group_new else f"{row.group_old} -> {row.group_new}",
        "why": "; ".join(row.reasons),
    }


def printable(text: str, length: int = 200) -> str:
    """One line; control characters, which a terminal would obey, as escapes."""
    line = text if len(text) <= length else f"{text[: length - 1]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
