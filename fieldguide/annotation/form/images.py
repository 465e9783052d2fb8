"""How assessors' browsers get the images: copies that a local server shows, an address, or bytes inside the task."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from PIL import Image

from fieldguide.annotation.form.task import REFERENCES
from fieldguide.annotation.planning.section import Images
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open, private_folder
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.core.streaming import map_ahead
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.shards import image_bytes

FOLDER = "images"
_REFERENCE_SIDE = 256  # of a reference inside a task: every task carries its own
_QUALITY = 90
_ID = re.compile(r"[0-9a-f]{16}")


class CannotShowError(Exception):
    """An image cannot be shown, with the reason. Nobody is asked about it, and a note names it."""


class Pictures:
    """Addresses of images, as `annotate.images` of params.yaml says."""

    def __init__(self, paths: Paths, images: Images, corpus: pd.DataFrame) -> None:
        """`corpus`: records.IMAGES."""
        self._paths, self._images = paths, images
        rows = corpus.itertuples(index=False, name="ImageRow")
        self._rows: dict[str, Any] = {str(row.image_id): row for row in rows}
        self._refused: dict[str, str] = {}
        train = corpus[(corpus["split"] == "train") & corpus["near_duplicate_of"].isna()]
        self._references: dict[str, tuple[str, ...]] = {}
        # By image_id, which is a hash: neither the source's order nor the place in a table decides.
        train = train.sort_values("image_id")
        for entity, image in zip(train["entity_id"].tolist(), train["image_id"].tolist(), strict=True):
            self._references[entity] = (*self._references.get(entity, ()), image)[:REFERENCES]

    @property
    def folder(self) -> Path:
        """Where copies lie that a local server shows."""
        return self._paths.annotation_state.resolve() / FOLDER

    def references(self, entity_id: str) -> tuple[str, ...]:
        """Up to three images of the train split, which nobody judges, that surely show the entity; always the same."""
        return self._references.get(entity_id, ())

    def prepare(self, image_ids: Iterable[str], track: Track = silent) -> dict[str, str]:
        """Make the copies that are missing; whatever cannot be copied is remembered and named.

        Returns:
            Why an image cannot be shown, by image_id. With `upload` only what is not in the corpus is found here.

        Raises:
            FieldguideError: a shard is missing or damaged.
        """
        wanted = sorted(set(image_ids))
        for image_id in wanted:
            if image_id not in self._rows or not _ID.fullmatch(image_id):
                self._refused[image_id] = "it is not in the corpus"
        if self._images.kind == "local-files":
            missing = [i for i in wanted if i not in self._refused and not self._copy(i).exists()]
            private_folder(self._paths.annotation_state)
            done = track(map_ahead(self._made, missing), "copying for the form", unit="images", total=len(missing))
            self._refused |= {image_id: why for image_id, why in zip(missing, done, strict=True) if why}
        return {image_id: self._refused[image_id] for image_id in wanted if image_id in self._refused}

    def address(self, image_id: str, *, reference: bool = False) -> str:
        """Where a browser finds an image that was prepared.

        Raises:
            CannotShowError: it cannot be shown.
            FieldguideError: a shard is missing or damaged.
        """
        if image_id in self._refused:
            raise CannotShowError(self._refused[image_id])
        if self._images.kind == "http":
            return f"{self._images.address}{image_id}"
        if self._images.kind == "local-files":
            relative = self._copy(image_id).relative_to(self._paths.annotation_state.resolve())
            return f"/data/local-files/?d={quote(relative.as_posix())}"
        data = self._jpeg(image_id, min(_REFERENCE_SIDE, self._images.side) if reference else self._images.side)
        return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"

    def file(self, image_id: str) -> Path:
        """A JPEG of at most `side` pixels, made where it is missing.

        Raises:
            CannotShowError: it is not in the corpus, or does not decode.
            FieldguideError: a shard is missing or damaged.
        """
        if image_id not in self._rows or not _ID.fullmatch(image_id):
            raise CannotShowError("it is not in the corpus")
        path = self._copy(image_id)
        why = None if path.exists() else self._made(image_id)
        if why is not None:
            raise CannotShowError(why)
        return path

    def _copy(self, image_id: str) -> Path:
        # The size is part of the name: pages that were asked earlier keep theirs.
        return self.folder / str(self._images.side) / image_id[:2] / f"{image_id}.jpg"

    def _made(self, image_id: str) -> str | None:
        try:
            data = self._jpeg(image_id, self._images.side)
        except CannotShowError as error:
            return str(error)
        with atomic_open(self._copy(image_id), "wb") as stream:
            stream.write(data)
        return None

    def _jpeg(self, image_id: str, side: int) -> bytes:
        """A JPEG of the image: upright, on white, without the metadata of the original."""
        data = image_bytes(self._paths, self._rows[image_id])
        try:
            image = open_image(data)
        except (FieldguideError, Image.DecompressionBombError) as error:
            raise CannotShowError(str(error)) from None
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=_QUALITY)
        return stream.getvalue()
