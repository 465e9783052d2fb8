"""The optional parts together: what they need, writing them, holding them against the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem
from fieldguide.core.paths import Paths
from fieldguide.params import Params, read_params
from fieldguide.publishing.release.parts import drawings, vectors
from fieldguide.records.topics import Topic


def part_inputs(params: Params, paths: Paths) -> list[Path]:
    """Files that the parts of `release.parts` are made from."""
    return vectors.inputs(paths, params.embed.encoders) if "vectors" in params.release.parts else []


def write_parts(params: Params, paths: Paths, folder: Path) -> None:
    """Write what `release.parts` asks for into the release `folder`."""
    if "vectors" in params.release.parts:
        vectors.write_vectors(paths, params.embed.encoders, folder)
    if "drawings" in params.release.parts:
        drawings.write_drawings(paths, folder)


def wrong_parts(folder: Path, images: pd.DataFrame, topics: Sequence[Topic]) -> Iterator[Problem]:
    """What is wrong with the parts of a release; parts that its params.yaml does not name, and the other way round.

    Args:
        folder: of the release.
        images: its RELEASE_IMAGES.
        topics: its topics.
    """
    try:
        params = read_params(folder / "params.yaml")
    except FieldguideError as error:
        yield Problem(str(folder / "params.yaml"), str(error))
        return
    named: Sequence[str] = params.release.parts
    for part in (vectors.FOLDER, drawings.FOLDER):
        if (folder / part).exists() and part not in named:
            yield Problem(str(folder / part), "is there, and release.parts of params.yaml does not name it")
    if vectors.FOLDER in named:
        yield from vectors.wrong_vectors(
            folder, params.embed.encoders, images["image_id"], [topic.text for topic in topics]
        )
    if drawings.FOLDER in named:
        yield from drawings.wrong_drawings(folder)
