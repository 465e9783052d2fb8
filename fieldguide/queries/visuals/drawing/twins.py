"""Twins of photographs: their captions drawn, so that drawings can be compared with drawings."""

from __future__ import annotations

from fieldguide.core.files import atomic_directory
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.models.loading.protocols import Generator
from fieldguide.queries.visuals.drawing.drawings import DrawingSummary, WantedDrawing, draw_wanted, wanted_drawing
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.records.drawings import CAPTIONS, DRAWINGS


def wanted_twins(values: Visualize, generator: Generator, paths: Paths) -> list[WantedDrawing]:
    """One drawing of each caption that a photograph of the gallery has, sorted by drawing_id; equal captions share it.

    The synthetic counterparts of Paracosm (Wang, Zhao and Kong, arXiv 2602.00813), in the style of the topics'
    drawings. A generator that looks at photographs is shown none: a caption names no entity.
    """
    table = CAPTIONS.read(paths.captions)
    captions = table.loc[(table["kind"] == "image") & (table["status"] == "ok"), "text"]
    wanted = [wanted_drawing(text, "twin", 0, values, generator) for text in captions.unique()]
    return sorted(wanted, key=lambda drawing: drawing.drawing_id)


def draw_twins(values: Visualize, generator: Generator, paths: Paths, track: Track = silent) -> DrawingSummary:
    """Make what is missing and write data/captions/twins/; as `draw_all`."""
    return draw_wanted(wanted_twins(values, generator, paths), generator, paths, paths.twins, values.batch, None, track)


def write_no_twins(paths: Paths) -> None:
    """An empty table: nothing asks for twins, or nothing can draw them."""
    with atomic_directory(paths.twins.parent) as folder:
        DRAWINGS.write(folder / paths.twins.name, DRAWINGS.frame([]))
