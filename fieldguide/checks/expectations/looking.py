"""Images looked at once: what was found is remembered by their hash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.core.errors import FieldguideError
from fieldguide.core.progress import Track
from fieldguide.core.streaming import map_ahead
from fieldguide.corpus.store.remembered import Remembered


def looked_at(
    images: pd.DataFrame, read: Callable[[Any], bytes], look: Callable[[bytes], Any], memory: Path, track: Track
) -> list[Any]:
    """What `look` finds in the bytes of each image, in the order of `images`.

    Args:
        images: columns image_id, sha256 (of all that determines the bytes), shard and offset.
        read: the bytes of a row.
        look: gives JSON values, never None; runs in threads.
        memory: JSONL file that remembers; its name holds all that determines what `look` finds.
        track: shows how far the looking is.

    Raises:
        FieldguideError: a shard is missing or damaged; names the image.
    """

    def found(row: Any) -> tuple[str, Any]:
        try:
            return row.sha256, look(read(row))
        except FieldguideError as error:
            raise FieldguideError(f"image {row.image_id}: {error}") from error

    with Remembered(memory) as known:
        new = images.loc[[known.get(sha256) is None for sha256 in images["sha256"]]].sort_values(["shard", "offset"])
        looked = map_ahead(found, new.itertuples(index=False))
        for sha256, value in track(looked, "looking", unit="images", total=len(new)):
            known.add(sha256, value)
        return [known.get(sha256) for sha256 in images["sha256"]]
