"""Figures of an evaluation, for a paper: SVG and PNG. The same evaluation gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldguide.core.files import atomic_open
from fieldguide.evaluation.external.evaluate import External
from fieldguide.evaluation.leaderboard.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 3
_ROW = 0.28
"""Inches a system."""
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # names of systems are no formulas
    "svg.hashsalt": "fieldguide",
    "svg.fonttype": "none",
}


def write_figures(folder: Path, external: External) -> list[Path]:
    """Write leaderboard, differences (with two runs or more) and topics, each as .svg and .png; the files' paths."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        return [
            path
            for name, figure in _figures(external)
            for path in (_written(folder / f"{name}.{form}", figure) for form in ("svg", "png"))
        ]


def _figures(external: External) -> Iterator[tuple[str, Figure]]:
    yield "leaderboard", _leaderboard(external)
    if external.differences:
        yield "differences", _differences(external)
    yield "topics", _topics(external)


def _written(path: Path, figure: Figure) -> Path:
    bytes_ = io.BytesIO()
    # Neither a time nor a version: the same evaluation, the same bytes.
    metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
    figure.savefig(bytes_, format=path.suffix[1:], dpi=200, metadata=metadata)
    with atomic_open(path, "wb") as stream:
        stream.write(bytes_.getvalue())
    return path


def _order(external: External) -> list[str]:
    """Systems, best by the headline first."""
    rows = [row for row in external.leaderboard if row["measure"] == external.settings.headline]
    return [row["system"] for row in sorted(rows, key=lambda row: (-row["mean"], row["system"]))]


def _leaderboard(external: External) -> Figure:
    """A panel a measure: means with their intervals, and a line where chance is."""
    from matplotlib.figure import Figure

    systems, measures = _order(external), external.settings.measures
    columns = min(_COLUMNS, len(measures))
    lines = -(-len(measures) // columns)
    figure = Figure(figsize=(1.5 + 2.3 * columns, lines * (0.8 + _ROW * len(systems))), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for panel, measure in zip(panels, measures, strict=False):
        rows = [row for row in external.leaderboard if row["measure"] == measure]
        _intervals(panel, rows, systems, "mean")
        level = external.chance.get(measure)
        if level is not None:
            panel.axvline(level, color="tab:red", linestyle=":", linewidth=1)
        panel.set_title(measure, fontsize=9)
        panel.set_xlim(-0.02, 1.02)
    for panel in panels[len(measures) :]:
        panel.set_visible(False)
    dotted = (
        "; dotted: a random order of each pool" if any(external.chance.get(m) is not None for m in measures) else ""
    )
    figure.supxlabel(f"mean over {external.by}s, {external.settings.confidence:.0%} interval{dotted}", fontsize=8)
    return figure


def _differences(external: External) -> Figure:
    """Differences by the headline with their intervals; filled where they are significant after correction."""
    from matplotlib.figure import Figure

    headline = external.settings.headline
    rows = external.differences
    named = [{**row, "system": f"{row['system']} − {row['baseline']}"} for row in rows]
    figure = Figure(figsize=(6.5, 0.9 + _ROW * len(named)), layout="constrained")
    panel = figure.subplots()
    _intervals(panel, named, [row["system"] for row in named], "difference", alpha=external.settings.alpha)
    panel.axvline(0, color="grey", linewidth=1)
    panel.set_xlabel(
        f"difference in {headline}, {external.settings.confidence:.0%} interval; "
        f"filled: q ≤ {external.settings.alpha:g}",
        fontsize=8,
    )
    return figure


def _intervals(panel: Axes, rows: Sequence[Row], order: Sequence[str], value: str, alpha: float | None = None) -> None:
    places = {system: place for place, system in enumerate(order)}
    for row in rows:
        place = places[row["system"]]
        filled = alpha is None or row["q"] <= alpha
        panel.plot([row["low"], row["high"]], [place, place], color="tab:blue", linewidth=1.2)
        panel.plot([row[value]], [place], "o", color="tab:blue", markersize=4, fillstyle="full" if filled else "none")
    panel.set_yticks(range(len(order)), labels=list(order))
    panel.set_ylim(len(order) - 0.5, -0.5)


def _topics(external: External) -> Figure:
    """The headline's values, a column each topic or subtopic, hardest last, and a row a system."""
    from matplotlib.figure import Figure

    headline = external.settings.headline
    part = external.values[external.values["measure"] == headline]
    wide = part.pivot_table(index="system", columns="subtopic_id", values="value").loc[_order(external)]
    hardest: Any = wide.mean().sort_values(ascending=False, kind="stable").index
    figure = Figure(figsize=(7.5, 1.3 + _ROW * len(wide)), layout="constrained")
    panel = figure.subplots()
    image = panel.imshow(wide[hardest].to_numpy(), aspect="auto", vmin=0, vmax=1, interpolation="nearest")
    panel.set_yticks(range(len(wide)), labels=wide.index.tolist())
    panel.set_xlabel(f"{len(hardest)} {external.by}s, by their mean over systems")
    figure.colorbar(image, ax=panel, label=headline)
    return figure
