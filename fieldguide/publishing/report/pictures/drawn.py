"""Drawing the pictures: SVG with text as text, and the numbers behind each as CSV. The same numbers, the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.excluding import without
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.pictures.gallery import GalleryMap, gallery_map
from fieldguide.publishing.report.pictures.people import agreement_over_time
from fieldguide.publishing.report.pictures.systems import alike, precision_by_depth, spread
from fieldguide.publishing.report.thumbnails import file_name
from fieldguide.publishing.report.views.health import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # names are no formulas
    "svg.hashsalt": "fieldguide",
    "svg.fonttype": "none",
}
_ROW = 0.24
"""Inches a system."""
_BEST = 7
"""So many systems and the baseline are drawn as lines; the numbers hold all."""


def write_pictures(benchmark: Benchmark, systems: list[str], folder: Path) -> list[View]:
    """Write pictures/NAME.svg and NAME.csv below a report's folder; what pictures.html.j2 shows of each."""
    import matplotlib as mpl

    (folder / "pictures").mkdir()
    made = []
    with mpl.rc_context(_STYLE):
        for name, view, figure, numbers in _pictures(benchmark, systems):
            _save(folder / "pictures" / f"{name}.svg", figure)
            numbers.to_csv(folder / "pictures" / f"{name}.csv", index=False, lineterminator="\n")
            made.append(view | {"name": name, "rows": len(numbers)})
    return made


def _pictures(benchmark: Benchmark, systems: list[str]) -> Iterator[tuple[str, View, Figure, pd.DataFrame]]:
    headline = benchmark.params.evaluate.headline
    seen: list[pd.DataFrame] = []  # encoders that share an image network share its map
    for encoder in benchmark.params.embed.encoders:
        found = gallery_map(benchmark, encoder)
        if found is not None and not any(found.points.equals(points) for points in seen):
            seen.append(found.points)
            view = {
                "title": f"The gallery as {encoder} sees it",
                "words": "Photographs (dots) and drawings (triangles) in the two directions in which they differ most; "
                "one colour an entity, grey what no topic asks for. Left as they are encoded, right when each of the "
                f"two has lost its own mean. The photograph nearest to a drawing shows the entity that was drawn for "
                f"{found.right_before:.0%} of the drawings before and {found.right_after:.0%} after.",
            }
            yield f"gallery-{file_name(encoder)}", view, _map(found, benchmark), found.points
    yield from _people(benchmark)
    values = spread(benchmark, systems)
    if values.empty:
        return
    depths = precision_by_depth(benchmark, systems)
    baseline = benchmark.params.evaluate.baseline
    lines = list(dict.fromkeys([*systems[:_BEST], baseline]))
    view = {
        "title": "Precision by depth",
        "words": "Of the first n images that a system found in the whole gallery, the share that is relevant: "
        f"{', '.join(lines)}.",
    }
    yield "depth", view, _depth(depths, lines), depths
    view = {
        "title": f"{headline} of every subtopic",
        "words": "A dot is a subtopic, the bar the median. A mean hides whether a system is good everywhere or perfect "
        "here and lost there.",
    }
    yield "spread", view, _spread(values, systems, headline), values
    matrix = alike(values, systems)
    view = {
        "title": "Which systems find the same subtopics hard",
        "words": f"Kendall's tau of two systems' {headline} over the subtopics: 1 where they agree which are hard, 0 "
        "where they have nothing in common. Systems that are good at different subtopics are worth fusing.",
    }
    yield "alike", view, _alike(matrix), matrix.rename_axis("system").reset_index()


def _people(benchmark: Benchmark) -> Iterator[tuple[str, View, Figure, pd.DataFrame]]:
    if not benchmark.paths.judgments.is_file():
        return
    confidence = benchmark.params.evaluate.confidence
    entries = without(log.read(benchmark.paths.judgments).entries, benchmark.params.adjudicate.excluded)
    over_time = agreement_over_time(entries, confidence)
    if over_time.empty:
        return
    view = {
        "title": "Agreement over time",
        "words": "Of the images that two or more people graded, the share on which they agree, from the first days to "
        f"the last; each dot stands for equally many images, the bar is its {confidence:.0%} interval.",
    }
    yield "agreement", view, _agreement(over_time), over_time


def _agreement(over_time: pd.DataFrame) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.2), layout="constrained")
    panel = figure.subplots()
    places = range(len(over_time))
    bars = [over_time["same"] - over_time["low"], over_time["high"] - over_time["same"]]
    panel.errorbar(places, over_time["same"], yerr=bars, fmt="o-", linewidth=1, capsize=2)
    panel.set_xticks(places, labels=[last[:10] for last in over_time["last"]], rotation=45, ha="right")
    panel.set_ylim(0, 1.02)
    panel.set_xlabel("images graded until (UTC)")
    panel.set_ylabel("same grade")
    return figure


def _save(path: Path, figure: Figure) -> None:
    bytes_ = io.BytesIO()
    # Neither a time nor a version: the same numbers, the same bytes.
    figure.savefig(bytes_, format="svg", metadata={"Date": None, "Creator": None})
    path.write_bytes(bytes_.getvalue())


def _map(found: GalleryMap, benchmark: Benchmark) -> Figure:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = benchmark.entities["name"].to_dict()
    asked = sorted({subtopic.entity_id for subtopic in benchmark.subtopics.values()})
    cycle = mpl.colormaps["tab20"].colors  # type: ignore[attr-defined]
    colours = {entity: cycle[number % 20] for number, entity in enumerate(asked)}
    figure = Figure(figsize=(9.5, 5), layout="constrained")
    panels = figure.subplots(1, 2)
    for panel, when in zip(panels, ("before", "after"), strict=True):
        for kind, marker, size in (("photograph", "o", 9), ("drawing", "^", 26)):
            part = found.points[found.points["kind"] == kind]
            colour = [colours.get(entity, "#c8ccc8") for entity in part["entity_id"]]
            edge = {"edgecolors": "black", "linewidths": 0.5} if kind == "drawing" else {"linewidths": 0}
            panel.scatter(part[f"x_{when}"], part[f"y_{when}"], s=size, c=colour, marker=marker, **edge)
        panel.set_title(f"{when} centring", fontsize=9)
        panel.set_xticks([])
        panel.set_yticks([])
    handles = [mpl.lines.Line2D([], [], marker="o", linestyle="", color=colours[e], label=names[e]) for e in asked[:20]]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    return figure


def _depth(depths: pd.DataFrame, systems: list[str]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    panel = figure.subplots()
    styles = ("-", "--", "-.", ":")
    for number, system in enumerate(systems):
        own = depths[depths["system"] == system]
        panel.plot(own["depth"], own["precision"], styles[number % 4], label=system, linewidth=1.4)
    panel.set_ylim(0, 1.02)
    panel.set_xlabel("first n images")
    panel.set_ylabel("precision")
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    return figure


def _spread(values: pd.DataFrame, systems: list[str], headline: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 0.9 + _ROW * len(systems)), layout="constrained")
    panel = figure.subplots()
    for place, system in enumerate(systems):
        own = values.loc[values["system"] == system, "value"].sort_values().to_numpy()
        # Neighbours are put beside one another, so that equal values are seen as many.
        aside = [place + 0.26 * ((number * 0.618) % 1 - 0.5) * 2 for number in range(len(own))]
        panel.plot(own, aside, "o", color="tab:blue", markersize=2, alpha=0.5, markeredgewidth=0)
        if len(own):
            middle = float(pd.Series(own).median())
            panel.plot([middle, middle], [place - 0.35, place + 0.35], color="black", linewidth=1.6)
    panel.set_yticks(range(len(systems)), labels=systems)
    panel.set_ylim(len(systems) - 0.5, -0.5)
    panel.set_xlim(-0.02, 1.02)
    panel.set_xlabel(headline)
    return figure


def _alike(matrix: pd.DataFrame) -> Figure:
    from matplotlib.figure import Figure

    side = 1.9 + _ROW * len(matrix)
    figure = Figure(figsize=(side + 0.9, side), layout="constrained")
    panel = figure.subplots()
    image = panel.imshow(matrix.to_numpy(dtype=float), vmin=-1, vmax=1, cmap="PuOr", interpolation="nearest")
    names = matrix.columns.tolist()
    panel.set_xticks(range(len(names)), labels=names, rotation=90)
    panel.set_yticks(range(len(names)), labels=names)
    figure.colorbar(image, ax=panel, label="Kendall's tau", shrink=0.6)
    return figure
