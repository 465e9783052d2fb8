"""Tables of drawings, of the photographs that they were drawn after, and of captions."""

from __future__ import annotations

import pyarrow as pa

from fieldguide.core.tables import Column, Table

_STR, _INT = pa.string(), pa.int64()
_PURPOSES = ("topic", "generic", "twin")

DRAWINGS = Table(
    "drawings",
    ("drawing_id",),
    (
        Column("drawing_id", _STR, "sha256 of prompt with style, generator revision, seed, settings and references"),
        Column("prompt", _STR, "what was drawn, without visualize.style"),
        Column("purpose", _STR, "topic: a subtopic's phrase; generic: for centring; twin: caption", allowed=_PURPOSES),
        Column("index", _INT, "0..k-1 among the drawings of this prompt"),
        Column("seed", _INT, "of this drawing"),
        Column("generator", _STR, "name in params.yaml"),
        Column("revision", _STR, "of the generator's weights and settings"),
        Column("status", _STR, "failed drawings have no bytes", allowed=("ok", "failed")),
        Column("reason", _STR, "why it failed", nullable=True),
        Column("shard", _STR, "file name of the tar that holds the bytes", nullable=True),
        Column("offset", _INT, "of the bytes in the shard", nullable=True),
        Column("size", _INT, "bytes", nullable=True),
    ),
)

CAPTIONS = Table(
    "captions",
    ("key",),
    (
        Column("kind", _STR, "a photograph of the gallery, or a drawing of a topic", allowed=("image", "drawing")),
        Column("key", _STR, "image_id or drawing_id"),
        Column("text", _STR, "the caption", nullable=True),
        Column("captioner", _STR, "name in params.yaml"),
        Column("revision", _STR, "of the captioner's weights and settings"),
        Column("status", _STR, "failed: there is no caption", allowed=("ok", "failed")),
        Column("reason", _STR, "why it failed", nullable=True),
    ),
)

DRAWING_REFERENCES = Table(
    "drawing_references",
    ("drawing_id", "image_id"),
    (
        Column("drawing_id", _STR, "a drawing of records.DRAWINGS"),
        Column("image_id", _STR, "a photograph of the train split that the generator looked at"),
    ),
)
