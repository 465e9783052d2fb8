"""A reproduction as a page."""

from __future__ import annotations

from pathlib import Path

from fieldguide.core.files import atomic_directory
from fieldguide.publishing.report.pages import Pages, require_replaceable
from fieldguide.publishing.report.views.health import Cells
from fieldguide.runtime.rebuilding.reproduction import Reproduction


def write_reproduction(found: Reproduction, folder: Path) -> Path:
    """Write a page as `folder`/index.html, whole or not at all; the page.

    Raises:
        FieldguideError: `folder` holds something else.
    """
    require_replaceable(folder)
    distances = Cells(
        ("what", "value", "bound", "within", "where", "compared", "missing"),
        tuple(tuple(row.values()) for row in found.distances),
        frozenset({1, 2, 5, 6}),
    )
    conclusions = Cells(
        ("about", "leaderboard", "holds", "here"),
        tuple((one.about, one.where, "the same" if one.holds else "otherwise", one.text) for one in found.conclusions),
    )
    stages = Cells(
        ("stage", "outputs with other bytes", "because of", "follows"),
        tuple(
            (
                one.stage,
                ", ".join(one.outputs),
                "; ".join(f"{c.kind}: {c.what}" for c in one.causes),
                ", ".join(one.follows),
            )
            for one in found.stages
        ),
    )
    environments = Cells(
        ("stage", "ran on something else"),
        tuple((stage, "; ".join(differences)) for stage, differences in found.environments.items() if differences),
    )
    with atomic_directory(folder) as made:
        tables = {"distances": distances, "conclusions": conclusions, "stages": stages, "environments": environments}
        Pages(made, {}).write("index.html", "reproduction.html.j2", found=found, **tables)
    return folder / "index.html"
