"""Every table and record that leaves a stage, declared in one place.

A `Table` is a Parquet file's schema with its key; a record is one line of a JSONL file. Both are
checked when they are written and when they are read, so that a stage never meets input it does not
understand. `docs/data.md` shows where each file lies.
"""

from __future__ import annotations

import pyarrow as pa

from fieldguide.core.tables import Column, Table
from fieldguide.records.images import IMAGES

_STR, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()


_STRS, _INTS = pa.list_(pa.string()), pa.list_(pa.int64())


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
