"""What `fieldguide evaluate` prints for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fieldguide.evaluation.external.evaluate import External, RunNotes
from fieldguide.evaluation.measures.parsing import JUDGED
from fieldguide.evaluation.section import PRESETS
from fieldguide.runtime.tables import show

_NAMED = 10
_LONGEST = 2_000
MOST = 20
"""Comparisons that are shown."""


def show_evaluation(external: External) -> None:
    """Print the table, the comparisons, and what a reader of the numbers has to know."""
    rows = list(board_rows(external))
    show(rows, tuple(rows[0]))
    compared = list(comparison_rows(external))
    if compared:
        show(compared, tuple(compared[0]))
    print("\n".join(map(plain_text, notes(external))))


def plain_text(text: str) -> str:
    """Names come from files of others: what is not printable is escaped, or it could steer a terminal."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def board_rows(external: External) -> Iterator[dict[str, Any]]:
    """A row a system, best by the headline first, then chance; measures in the order they were asked for."""
    headline = external.settings.headline
    rows = {(row["system"], row["measure"]): row for row in external.leaderboard}
    unjudged = {run.system: run.unjudged for run in external.runs}
    measures = dict.fromkeys([*external.settings.measures, JUDGED])
    rest = [m for m in measures if m != headline and any(measure == m for _, measure in rows)]
    for system in sorted(unjudged, key=lambda system: (-rows[system, headline]["mean"], system)):
        first = rows[system, headline]
        yield {
            "system": plain_text(system),
            **({"group": first["group"] or ""} if len(unjudged) > 1 else {}),
            headline: f"{first['mean']:.3f}",
            "interval": f"[{first['low']:.3f}, {first['high']:.3f}]",
            **{measure: f"{rows[system, measure]['mean']:.3f}" for measure in rest},
            "unjudged lines": f"{unjudged[system]:.1%}",
        }
    yield {
        "system": "(chance)",
        **({"group": ""} if len(unjudged) > 1 else {}),
        headline: _number(external.chance.get(headline)),
        "interval": "",
        **{measure: _number(external.chance.get(measure)) for measure in rest},
        "unjudged lines": "",
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def comparison_rows(external: External) -> Iterator[dict[str, Any]]:
    """Differences by the headline, the surest first, at most `MOST` of them."""
    for row in sorted(external.differences, key=lambda row: row["p"])[:MOST]:
        yield {
            f"difference in {external.settings.headline}": plain_text(f"{row['system']} - {row['baseline']}"),
            "mean": f"{row['difference']:+.3f}",
            "interval": f"[{row['low']:+.3f}, {row['high']:+.3f}]",
            "p": f"{row['p']:.4f}",
            "q": f"{row['q']:.4f}",
            "d": _number(row["d"]),
            "wins-ties-losses": f"{row['wins']}-{row['ties']}-{row['losses']}",
            "topics needed": "" if row["topics_needed"] is None else str(row["topics_needed"]),
        }


def notes(external: External) -> Iterator[str]:
    """How to read the table, and what is missing."""
    chosen, first = external.settings, external.leaderboard[0]
    counted = f"{first['topics']} topics" + (f", {first['subtopics']} subtopics" if external.by == "subtopic" else "")
    yield (
        f"{external.collection}: {counted}. Means over {external.by}s; {chosen.confidence:.0%} interval over topics."
    )
    if chosen.preset is not None:
        preset = PRESETS[chosen.preset]
        yield f"As {chosen.preset} measures, where {preset.protocol} ({preset.source})."
    if len(external.runs) > 1:
        yield (
            f"Systems with a common letter are not significantly different (q > {chosen.alpha:g}); q is p of the "
            "randomisation test, corrected after Benjamini and Hochberg."
        )
    if len(external.differences) > MOST:
        yield f"{len(external.differences) - MOST} more comparisons: --json has them; --baseline NAME asks for some."
    yield from _about_chance(external)
    for run in external.runs:
        yield from _warnings(run)


def _about_chance(external: External) -> Iterator[str]:
    if external.gallery is not None:
        yield f"(chance): a random order of all {external.gallery:,} images of the gallery."
    elif all(value is None for value in external.chance.values()):
        yield "(chance) is not stated: only relevant images are judged, and the gallery is not known here."
    else:
        yield (
            "(chance): a random order of each subtopic's pool, which is all that the collection judges or lists for it."
        )
        if any(run.unjudged for run in external.runs):
            yield "Of a run that ranks other images too, chance is lower; the gallery is not known here."


def _warnings(run: RunNotes) -> Iterator[str]:
    said = f"warning: {run.system}:"
    for odd in run.scores:
        yield f"{said} {odd}"
    if run.missing:
        yield (
            f"{said} no line for {len(run.missing)} judged subtopics; they count with the measure's default, mostly 0: "
            f"{_some(run.missing)}"
        )
    if run.unknown:
        yield f"{said} {len(run.unknown)} subtopics without a judgment are not scored: {_some(run.unknown)}"
    if run.lines and run.unjudged == 1.0:
        yield (
            f"{said} not one ranked image is judged; are ids written alike? It ranks {run.image}, "
            f"the collection has {run.judged_image}"
        )
    elif run.unjudged:
        yield f"{said} {run.unjudged:.1%} of {run.lines:,} lines are not judged and count as not relevant"


def _some(names: Sequence[str]) -> str:
    more = f", ... and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
