"""Photographs of the gallery as chat models are shown them."""

from __future__ import annotations

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.shards import image_bytes
from fieldguide.models.calls.pictures import small_png
from fieldguide.records.images import IMAGES
from fieldguide.retrieval.systems.collection import SearchCollection


class Photographs:
    """The gallery's photographs, by their row in it."""

    def __init__(self, collection: SearchCollection, side: int) -> None:
        self._paths, self._side = collection.paths, side
        columns = ["image_id", "shard", "offset", "size"]
        table = IMAGES.read(collection.paths.images, columns).set_index("image_id").loc[list(collection.gallery)]
        self._rows = list(table[["shard", "offset", "size"]].itertuples(name="ImageRow"))

    def png(self, row: int) -> bytes:
        """The upright photograph in that row of the gallery, made smaller where it is larger than `side`.

        Raises:
            FieldguideError: it cannot be read.
        """
        image = self._rows[row]
        try:
            photograph = open_image(image_bytes(self._paths, image))
        except FieldguideError as error:
            raise FieldguideError(f"image {image.Index}: {error}") from error
        return small_png(photograph, self._side)
