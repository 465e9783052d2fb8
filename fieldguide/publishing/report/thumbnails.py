"""Thumbnails of the images that a report shows, each encoded once and kept in one folder that all pages share."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from PIL import Image

from fieldguide.core.files import read_member, sha256_bytes
from fieldguide.core.progress import Track, silent
from fieldguide.core.streaming import map_ahead
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.shards import image_bytes
from fieldguide.publishing.benchmark import Benchmark

_SAFE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def thumbnail(data: bytes, size: int) -> bytes:
    """An image's bytes as WebP of at most `size` x `size` pixels, never enlarged. Same bytes in, same bytes out."""
    image = open_image(data)
    image.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=74, method=2)
    return stream.getvalue()


def file_name(key: str) -> str:
    """A file's name, without ending, for an id: the id where any file system and address takes it, else its hash."""
    return key if _SAFE.fullmatch(key) and ".." not in key else sha256_bytes(key.encode())[:16]


class Album:
    """Hands out the address of each image that a page shows, from the report's folder; `write` then makes them."""

    def __init__(self, benchmark: Benchmark, size: int) -> None:
        self._benchmark = benchmark
        self._size = size
        self._addresses: dict[str, str] = {}
        self._drawings: dict[str, tuple[Path, Any]] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def photograph(self, image_id: str) -> str:
        """The address of an image of the corpus."""
        return self._address(image_id)

    def drawing(self, row: Any, table: Path | None = None) -> str:
        """The address of a row of records.DRAWINGS whose status is ok: of data/drawings, or of another table."""
        self._drawings[row.drawing_id] = (table or self._benchmark.paths.drawings, row)
        return self._address(row.drawing_id)

    def write(self, folder: Path, track: Track = silent) -> None:
        """Write the images that were asked for below the report's folder."""
        (folder / "images").mkdir()
        made = map_ahead(self._thumbnail, self._addresses)
        pairs = zip(self._addresses.values(), made, strict=True)
        for address, data in track(pairs, "thumbnails", unit="images", total=len(self)):
            (folder / address).write_bytes(data)

    def _address(self, key: str) -> str:
        return self._addresses.setdefault(key, f"images/{file_name(key)}.webp")

    def _thumbnail(self, key: str) -> bytes:
        if key in self._drawings:
            table, row = self._drawings[key]
            data = read_member(table.parent / row.shard, int(row.offset), int(row.size))
        else:
            data = image_bytes(self._benchmark.paths, self._benchmark.image_rows[key])
        return thumbnail(data, self._size)
