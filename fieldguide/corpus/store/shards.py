"""The corpus's bytes: spooled while they are read, packed into tars, read again by place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, NamedTuple

import pandas as pd
from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_member, write_tar
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.corpus.store.pixels import open_image
from fieldguide.records.images import IMAGES


class Spooled(NamedTuple):
    """Where an image's bytes wait, and the member they become."""

    image_id: str
    member: str
    offset: int
    size: int


class ShardPlace(NamedTuple):
    """Where an image's bytes lie for good: records.IMAGES' columns of these names."""

    shard: str
    offset: int
    size: int


def shard_of(image_id: str, shards: int) -> int:
    """Shard of an image. It depends on the bytes alone, so that one photograph more changes one shard."""
    return int(image_id, 16) % shards


class Spool:
    """Bytes of kept images on disk, one file a shard, so that memory holds one image at a time.

    The folder is emptied first. The caller holds the stage's lock, so what lies there is left from a killed run.
    """

    def __init__(self, folder: Path, shards: int) -> None:
        self._folder = folder
        self._shards = shards
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, image_id: str, extension: str, data: bytes) -> Spooled:
        """Append an image's bytes."""
        with self._file(shard_of(image_id, self._shards)).open("ab") as stream:
            offset = stream.tell()
            stream.write(data)
        return Spooled(image_id, f"{image_id}.{extension}", offset, len(data))

    def pack(self, target: Path, kept: Sequence[Spooled], track: Track = silent) -> dict[str, ShardPlace]:
        """Write one tar a shard into `target`, members sorted by image_id; empty shards have none."""
        by_shard: dict[int, list[Spooled]] = {}
        for spooled in sorted(kept):
            by_shard.setdefault(shard_of(spooled.image_id, self._shards), []).append(spooled)
        placed = {}
        for number, members in track(sorted(by_shard.items()), "packing", unit="shards", total=len(by_shard)):
            name, spool = f"{number:05d}.tar", self._file(number)
            content = ((m.member, read_member(spool, m.offset, m.size)) for m in members)
            for spooled, member in zip(members, write_tar(target / name, content), strict=True):
                placed[spooled.image_id] = ShardPlace(name, member.offset, member.size)
        return placed

    def _file(self, shard: int) -> Path:
        return self._folder / f"{shard:05d}"


def read_images(paths: Paths) -> pd.DataFrame:
    """records.IMAGES of the corpus, sorted by image_id."""
    return IMAGES.read(paths.images)


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
