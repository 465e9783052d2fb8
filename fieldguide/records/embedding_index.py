"""Every table and record that leaves a stage, declared in one place.

A `Table` is a Parquet file's schema with its key; a record is one line of a JSONL file. Both are
checked when they are written and when they are read, so that a stage never meets input it does not
understand. `docs/data.md` shows where each file lies.
"""

from __future__ import annotations

import pyarrow as pa

from fieldguide.core.tables import Column, Table

_STR, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()


_STRS, _INTS = pa.list_(pa.string()), pa.list_(pa.int64())


EMBEDDING_KINDS = ("image", "question", "phrase", "expansion", "drawing", "caption", "recomposed", "component")


EMBEDDING_INDEX = Table(
    "embedding_index",
    ("kind", "key"),
    (
        Column("row", _INT, "row of vectors.npy, from 0; rows are sorted by (kind, key)"),
        Column("kind", _STR, "what the vector is of", allowed=EMBEDDING_KINDS),
        Column("key", _STR, "image_id, drawing_id, or the sha256 of a text"),
    ),
)
