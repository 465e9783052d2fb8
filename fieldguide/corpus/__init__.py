"""The corpus as its readers see it: the table, the bytes, the pixels. `fieldguide.corpus.ingest` makes it."""

from fieldguide.corpus.pixels import open_image
from fieldguide.corpus.shards import image_bytes, iter_images, read_images

__all__ = ["image_bytes", "iter_images", "open_image", "read_images"]
