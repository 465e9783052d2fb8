"""The table of images that goes into a release."""

from __future__ import annotations

import pyarrow as pa

from fieldguide.core.tables import Column, Table
from fieldguide.records.images import IMAGES

_STR = pa.string()


# What tells an image apart and where it is from: enough to rebuild the corpus from its sources.
_PUBLISHED = (
    "image_id", "sha256", "width", "height", "entity_id", "split", "source", "source_key", "licence", "attribution",
)  # fmt: skip

RELEASE_IMAGES = Table(
    "release_images",
    ("image_id",),
    (
        *(c for c in IMAGES.columns if c.name in _PUBLISHED),
        Column("archive", _STR, "tar under images/ that holds the bytes; null where none may be given", nullable=True),
    ),
)
