"""A comparison as people read it: a page, Markdown for a pull request, an entry of the errata."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_directory, atomic_path, read_text, write_json
from fieldguide.evaluation.leaderboard.rows import KIND_NAMES, TRACK_NAMES
from fieldguide.publishing.comparing.changes import Change
from fieldguide.publishing.comparing.comparison import ReleaseComparison
from fieldguide.publishing.comparing.effects import SystemEffect
from fieldguide.publishing.report.pages import Pages, require_replaceable, signed
from fieldguide.publishing.report.views.health import Cells

_PACKAGE = "fieldguide.publishing.comparing"
_BEGINS, _ENDS = "<!-- generated -->", "<!-- until here -->"
_ROWS = 500
"""Of a table on the page; the rest is counted, and in comparison.json."""


def write_comparison(comparison: ReleaseComparison, folder: Path) -> None:
    """Write index.html, comparison.md and comparison.json as `folder`, whole or not at all.

    Raises:
        FieldguideError: `folder` holds something else.
    """
    require_replaceable(folder)
    with atomic_directory(folder) as made:
        shown = {"comparison": comparison, "boards": boards(comparison), "queries": _queries(comparison)}
        shown["groups"] = [(group, _changes(comparison.changes, group)) for group in comparison.counts]
        Pages(made, {}).write("index.html", "compare.html.j2", **shown)
        (made / "comparison.md").write_text(markdown(comparison), encoding="utf-8")
        write_json(made / "comparison.json", asdict(comparison))


def boards(comparison: ReleaseComparison) -> list[tuple[str, list[SystemEffect]]]:
    """Systems by leaderboard, with its name."""
    keys = list(dict.fromkeys((row.track, row.kind) for row in comparison.systems))
    return [
        (
            f"{TRACK_NAMES.get(track, track)}, {KIND_NAMES.get(kind, kind)}",
            [row for row in comparison.systems if (row.track, row.kind) == (track, kind)],
        )
        for track, kind in keys
    ]


def markdown(comparison: ReleaseComparison, shown: int = 10) -> str:
    """For a pull request: what changed, the systems and queries that moved most."""
    return _rendered("comparison.md.j2", comparison, shown)


def add_errata(path: Path, comparison: ReleaseComparison, shown: int = 1000) -> None:
    """Put what changed at the head of an errata file, made if there is none.

    Where the version has an entry, what was generated there before is replaced; what people wrote stays.

    Raises:
        FieldguideError: the file cannot be read, or the version does not say enough: it would be told of the wrong one.
    """
    if not comparison.verdict.enough:
        raise FieldguideError(f"{path}: not written, for {comparison.verdict.why}")
    head = "# Errata\n\nWhat changed from version to version, the last one first.\n"
    text = read_text(path) if path.exists() else head
    before, *entries = text.split("\n## ")
    named = [entry for entry in entries if entry.split("\n", 1)[0].strip() == comparison.version_new]
    kept = [entry for entry in entries if entry not in named]
    said = "".join(_by_hand(entry) for entry in named)
    entry = f"{comparison.version_new}\n\n{_BEGINS}\n{_rendered('errata.md.j2', comparison, shown)}{_ENDS}\n{said}"
    with atomic_path(path) as written:
        written.write_text("\n## ".join([before.rstrip("\n") + "\n", entry, *kept]), encoding="utf-8")


def _by_hand(entry: str) -> str:
    """An entry without its heading and without what was generated."""
    text = entry.partition("\n")[2]
    before, _, rest = text.partition(_BEGINS)
    after = rest.partition(_ENDS)[2]
    said = f"{before.strip()}\n\n{after.strip()}".strip()
    return f"\n{said}\n" if said else ""


def _rendered(template: str, comparison: ReleaseComparison, shown: int) -> str:
    environment = jinja2.Environment(  # noqa: S701 - Markdown; `line` keeps a value on its line and out of its markup
        loader=jinja2.PackageLoader(_PACKAGE, "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"line": in_line, "signed": signed}
    groups = [(group, [c for c in comparison.changes if c.group == group]) for group in comparison.counts]
    return environment.get_template(template).render(
        comparison=comparison, boards=boards(comparison), groups=groups, shown=shown
    )


def in_line(value: Any, length: int = 160) -> str:
    """Hostile text as one line of Markdown: no line break, no table cell, tag or link of its own, not too long."""
    text = " ".join(str(value).split())
    text = text if len(text) <= length else text[: length - 1] + "…"
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in text)


def _changes(found: Sequence[Change], group: str) -> Cells:
    rows = [(c.key, c.what, _short(c.old), _short(c.new)) for c in found if c.group == group]
    return Cells(("which", "what", "was", "is"), tuple(rows[:_ROWS]), more=max(0, len(rows) - _ROWS))


def _queries(comparison: ReleaseComparison) -> Cells:
    heads = (
        "query",
        "kind",
        "systems",
        "change",
        "images",
        "labels",
        "ranking",
        "most",
        "by",
        "labels changed",
        "why ranked otherwise",
    )
    rows: Iterable[tuple[Any, ...]] = (
        (
            f"{q.subtopic_id} {q.text}", q.kind, f"{q.systems} of {q.of}",
            *map(signed, (q.change, q.images, q.labels, q.ranking)), q.most, signed(q.by), q.labels_changed,
            "; ".join(q.reasons),
        )
        for q in comparison.queries[:_ROWS]
    )  # fmt: skip
    return Cells(heads, tuple(rows), frozenset({3, 4, 5, 6, 8, 9}), more=max(0, len(comparison.queries) - _ROWS))


def _short(text: str | None, length: int = 300) -> str | None:
    return text if text is None or len(text) <= length else text[: length - 1] + "…"
