"""The corpus: reading sources, refusing what is no image, finding duplicates, packing and reading bytes."""

from fieldguide.corpus.ingest import Summary, ingest
from fieldguide.corpus.pixels import open_image
from fieldguide.corpus.shards import image_bytes, iter_images, read_images

__all__ = ["Summary", "image_bytes", "ingest", "iter_images", "open_image", "read_images"]
