"""Images of the gallery that were generated: a system that retrieves with drawings would find its like."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

import pandas as pd

from fieldguide.checks.expectations.looking import looked_at
from fieldguide.checks.expectations.marks import MARKS_VERSION, generation_marks
from fieldguide.checks.expectations.suites import Suite, holds
from fieldguide.core.files import content_key, read_member
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track
from fieldguide.corpus.store.pixels import VERDICT_VERSION, inspect_image, open_image
from fieldguide.corpus.store.shards import image_bytes

_DRAWN_PIXELS = 1 << 30
"""Our own drawings are as large as they were asked for."""
_TITLE = "no image of the gallery says of itself that it was generated, or is a drawing of this benchmark"


def generated_suites(images: pd.DataFrame, drawings: pd.DataFrame, paths: Paths, track: Track) -> Iterator[Suite]:
    """A warning about each image of the gallery that was generated, with what tells it.

    Args:
        images: records.IMAGES.
        drawings: records.DRAWINGS.
        paths: where shards, drawings and cache lie.
        track: shows how far the looking is.

    Raises:
        FieldguideError: a shard is missing or damaged; names the image.
    """
    gallery = images[images["split"] == "gallery"]
    if gallery.empty:
        return
    memory = paths.cache / "generated" / f"{_key(marks=MARKS_VERSION)}.jsonl"
    marks = looked_at(gallery, partial(image_bytes, paths), generation_marks, memory, track)
    drawn = _drawn(gallery, drawings[drawings["status"] == "ok"], paths, track)
    found = ["; ".join([*said, *drawn.get(i, ())]) for i, said in zip(gallery["image_id"], marks, strict=True)]
    marked = gallery[["image_id", "source", "source_key"]].assign(found=found, taken=[not told for told in found])
    yield Suite("images", marked, ("image_id", "source_key", "found"), (holds("taken", _TITLE, "warning"),))


def _drawn(gallery: pd.DataFrame, drawings: pd.DataFrame, paths: Paths, track: Track) -> Mapping[str, list[str]]:
    """By image_id: that it has the pixels of a drawing.

    Only images that share size and perceptual hash with a drawing are decoded: equal pixels have equal hashes.
    """
    rows = drawings.assign(image_id=drawings["drawing_id"], sha256=drawings["drawing_id"])
    memory = paths.cache / "generated" / f"{_key(drawings=VERDICT_VERSION)}.jsonl"
    looks = looked_at(rows, partial(_drawing, paths), _look, memory, track)
    alike: dict[tuple[Any, ...], list[Any]] = {}
    for look, row in zip(looks, rows.itertuples(index=False), strict=True):
        alike.setdefault(tuple(look), []).append(row)
    found: dict[str, list[str]] = {}
    for image in gallery.itertuples(index=False):
        for row in alike.get((image.phash, image.width, image.height), ()):
            if open_image(image_bytes(paths, image)).tobytes() == open_image(_drawing(paths, row)).tobytes():
                found.setdefault(str(image.image_id), []).append(f"pixels of drawing {row.drawing_id}")
    return found


def _drawing(paths: Paths, row: Any) -> bytes:
    return read_member(paths.drawings.parent / PurePath(row.shard).name, int(row.offset), int(row.size))


def _look(data: bytes) -> list[Any]:
    """Perceptual hash, width and height, as `ingest` finds them."""
    verdict = inspect_image(data, _DRAWN_PIXELS)
    return [verdict.phash, verdict.width, verdict.height]


def _key(**parts: Any) -> str:
    return content_key(versions={name: importlib.metadata.version(name) for name in ("pillow", "scipy")}, **parts)
