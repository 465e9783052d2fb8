"""The corpus's bytes: tars that are read by place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_member
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.pixels import open_image
from fieldguide.records.images import IMAGES


def shard_of(number: Any, shards: int) -> Any:
    """Shard of an image, or of many: `number` is the image_id as a number, or an array of them (uint64).

    It depends on the bytes alone, so that one photograph more changes one shard.
    """
    return number % np.uint64(shards) if isinstance(number, np.ndarray) else number % shards


def read_images(paths: Paths, only: Sequence[str] | None = None) -> pd.DataFrame:
    """records.IMAGES of the corpus, sorted by image_id; `only` some of its columns."""
    return IMAGES.read(paths.images, only)


def image_bytes(paths: Paths, row: Any) -> bytes:
    """The bytes of an image; `row` has `shard`, `offset` and `size` (a row of records.IMAGES)."""
    if PurePath(row.shard).name != row.shard:
        raise FieldguideError(f"{paths.images}: shard {row.shard!r} is not a plain file name")
    return read_member(paths.shards / row.shard, int(row.offset), int(row.size))


def iter_images(paths: Paths, frame: pd.DataFrame) -> Iterator[tuple[Any, Image.Image]]:
    """(row as a named tuple, upright RGB image) for each row of `frame`, in the order of the shards' bytes.

    Raises:
        FieldguideError: a shard is missing or damaged; names the image.
    """
    for row in frame.sort_values(["shard", "offset"]).itertuples(index=False, name="ImageRow"):
        try:
            yield row, open_image(image_bytes(paths, row))
        except FieldguideError as error:
            raise FieldguideError(f"image {row.image_id}: {error}") from error
