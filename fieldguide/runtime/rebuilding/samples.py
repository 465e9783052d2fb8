"""A little of what a build computed, kept beside its conclusions: enough to tell last bits from another result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from fieldguide.core.files import read_member
from fieldguide.core.paths import Paths
from fieldguide.core.tables import Column, Table
from fieldguide.corpus.store.pixels import open_image
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.embeddings import Embeddings
from fieldguide.records.runs import read_run

T = TypeVar("T")
_STR = pa.string()
DEPTH = 10
"""Of the rankings that are kept."""
_ROWS, _DIMENSIONS = 48, 48
_SIDE = 8
"""Pixels of a drawing's edge, after averaging."""

SAMPLES = Table(
    "build_samples",
    ("part", "key"),
    (
        Column("part", _STR, "of what: `vectors ENCODER`, `queries ENCODER` or `drawings`"),
        Column("key", _STR, "drawing_id; of a vector its kind and key, as in EMBEDDING_INDEX"),
        Column("values", pa.list_(pa.float32()), f"dimensions of a vector; 0..255, means of {_SIDE} x {_SIDE} boxes"),
    ),
)  # fmt: skip
RANKINGS = Table(
    "build_rankings",
    ("system", "subtopic_id"),
    (
        Column("system", _STR, "name in params.yaml"),
        Column("subtopic_id", _STR, "a subtopic"),
        Column("images", pa.list_(_STR), f"the first {DEPTH} image_ids of the whole gallery, best first"),
    ),
)


def take_samples(paths: Paths, encoders: Sequence[str]) -> pd.DataFrame:
    """SAMPLES of what is built; parts that the benchmark has not are left out."""
    rows = [row for encoder in encoders for row in _vectors(paths, encoder)]
    rows += _drawings(paths) if paths.drawings.is_file() else []
    return SAMPLES.frame(sorted(rows, key=lambda row: (row["part"], row["key"])))


def take_rankings(runs: dict[str, Path]) -> pd.DataFrame:
    """RANKINGS of run files by system."""
    rows = []
    for system, path in sorted(runs.items()):
        run = read_run(path)
        top = run[run.groupby("subtopic_id", observed=True).cumcount() < DEPTH]
        for subtopic, images in top.groupby("subtopic_id", observed=True)["image_id"]:
            rows.append({"system": system, "subtopic_id": str(subtopic), "images": [str(image) for image in images]})
    return RANKINGS.frame(rows)


def _vectors(paths: Paths, encoder: str) -> Iterator[dict[str, Any]]:
    for part, folder in (("vectors", paths.embeddings(encoder)), ("queries", paths.queries(encoder))):
        if not folder.is_dir():
            continue
        found = Embeddings.open(folder)
        spread = _spread(range(found.meta.dimension), _DIMENSIONS)
        for row in _spread(range(len(found.index)), _ROWS):
            values = np.asarray(found.vectors[row], dtype=np.float32)[spread]
            key = f"{found.index['kind'].iloc[row]} {found.index['key'].iloc[row]}"  # a text may be of two kinds
            yield {"part": f"{part} {encoder}", "key": key, "values": values.tolist()}


def _drawings(paths: Paths) -> list[dict[str, Any]]:
    table = DRAWINGS.read(paths.drawings)
    made = table[table["status"] == "ok"]
    rows = []
    for place in _spread(range(len(made)), _ROWS):
        one = made.iloc[place]
        with open_image(
            read_member(paths.drawings.parent / one["shard"], int(one["offset"]), int(one["size"]))
        ) as image:
            grey = image.convert("F").resize((_SIDE, _SIDE), resample=4)  # means of boxes
        rows.append({"part": "drawings", "key": one["drawing_id"], "values": np.asarray(grey).ravel().tolist()})
    return rows


def _spread(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of them, evenly spread."""
    return [items[place * len(items) // count] for place in range(count)] if len(items) > count else list(items)
