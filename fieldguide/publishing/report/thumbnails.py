"""Thumbnails of the images that a report shows, each encoded once and put into the page's own style sheet."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from fieldguide.core.files import read_member
from fieldguide.core.progress import Track, silent
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.shards import image_bytes
from fieldguide.publishing.benchmark import Benchmark


def thumbnail(data: bytes, size: int) -> bytes:
    """An image's bytes as WebP of at most `size` x `size` pixels, never enlarged. Same bytes in, same bytes out."""
    image = open_image(data)
    image.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=74, method=4)
    return stream.getvalue()


class Album:
    """Hands out a CSS class for each image that a page shows; `css` then holds their pixels.

    A class and a style sheet, since an image that several systems found is shown many times and must
    be in the file once, also for a reader without scripts.
    """

    def __init__(self, benchmark: Benchmark, size: int) -> None:
        self._benchmark = benchmark
        self._size = size
        self._classes: dict[str, str] = {}
        self._drawings: dict[str, tuple[Path, Any]] = {}

    def __len__(self) -> int:
        return len(self._classes)

    def photograph(self, image_id: str) -> str:
        """The CSS class of an image of the corpus."""
        return self._classes.setdefault(image_id, f"i{len(self._classes)}")

    def drawing(self, row: Any, table: Path | None = None) -> str:
        """The CSS class of a row of records.DRAWINGS whose status is ok: of data/drawings, or of another table."""
        self._drawings[row.drawing_id] = (table or self._benchmark.paths.drawings, row)
        return self._classes.setdefault(row.drawing_id, f"i{len(self._classes)}")

    def css(self, track: Track = silent) -> str:
        """One rule an image, in the order they were asked for."""
        return "\n".join(track(self._rules(), "thumbnails", unit="images", total=len(self)))

    def _rules(self) -> Iterator[str]:
        with ThreadPoolExecutor() as pool:  # `map` keeps the order: the bytes do not depend on the threads
            for name, data in zip(self._classes.values(), pool.map(self._thumbnail, self._classes), strict=True):
                uri = base64.b64encode(data).decode()
                yield f".{name}{{background-image:url(data:image/webp;base64,{uri})}}"

    def _thumbnail(self, key: str) -> bytes:
        if key in self._drawings:
            table, row = self._drawings[key]
            data = read_member(table.parent / row.shard, int(row.offset), int(row.size))
        else:
            data = image_bytes(self._benchmark.paths, self._benchmark.image_rows[key])
        return thumbnail(data, self._size)
