"""Small pictures of images, inside the page."""

from __future__ import annotations

import base64
import io
from functools import cached_property
from typing import Any

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.shards import image_bytes, read_images

SIDE = 112
"""Pixels of the longer side, at most."""


class Thumbnails:
    """Addresses (`data:`) of small pictures, each made once."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._made: dict[str, str | None] = {}

    def address(self, image_id: str) -> str | None:
        """Of an image; None where it is not in the corpus or cannot be read."""
        if image_id not in self._made:
            self._made[image_id] = self._make(image_id)
        return self._made[image_id]

    @cached_property
    def _rows(self) -> dict[str, Any]:
        if not self._paths.images.exists():
            return {}
        rows = read_images(self._paths).itertuples(index=False, name="ImageRow")
        return {str(row.image_id): row for row in rows}

    def _make(self, image_id: str) -> str | None:
        if image_id not in self._rows:
            return None
        try:
            image = open_image(image_bytes(self._paths, self._rows[image_id]))
        except (FieldguideError, OSError, Image.DecompressionBombError):
            return None
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
        stream = io.BytesIO()
        image.save(stream, "WEBP", quality=70, method=2)
        return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
