"""Tables of the corpus: images, files that were refused, duplicates."""

from __future__ import annotations

import pyarrow as pa

from fieldguide.core.tables import Column, Table

SPLITS: tuple[str, ...] = ("train", "gallery")

_STR, _INT, _BOOL = pa.string(), pa.int64(), pa.bool_()

REFUSED_IMAGE_REASONS = (
    "unreadable", "empty", "truncated", "animated", "oversized", "misnamed", "unsupported", "contradictory",
    "leftover",
)  # fmt: skip

IMAGES = Table(
    "images",
    ("image_id",),
    (
        Column("image_id", _STR, "first 16 hex digits of sha256; stable for as long as the bytes are"),
        Column("sha256", _STR, "of the file's bytes as they were read"),
        Column("phash", _STR, "perceptual hash of the upright pixels, 64 bits as 16 hex digits"),
        Column("width", _INT, "pixels, after EXIF orientation"),
        Column("height", _INT, "pixels, after EXIF orientation"),
        Column("format", _STR, "as decoded: JPEG, PNG, WEBP, ..."),
        Column("entity_id", _STR, "the entity shown, if the source says so", nullable=True),
        Column("split", _STR, "train: models may learn from it; gallery: it is searched", allowed=SPLITS),
        Column("source", _STR, "name of the source in params.yaml"),
        Column("source_key", _STR, "the image's name inside its source (path, row, member)"),
        Column("licence", _STR, "SPDX identifier or words; null where the source states none", nullable=True),
        Column("attribution", _STR, "whom to name", nullable=True),
        Column("copies", _INT, "how many files had these bytes"),
        Column("near_duplicate_of", _STR, "image_id of the first image of its near-duplicate cluster", nullable=True),
        Column("shard", _STR, "file name of the tar that holds the bytes"),
        Column("offset", _INT, "of the bytes in the shard"),
        Column("size", _INT, "bytes"),
    ),
)

REJECTED = Table(
    "rejected",
    ("source", "source_key"),
    (
        Column("source", _STR, "name of the source in params.yaml"),
        Column("source_key", _STR, "the file's name inside its source"),
        Column("reason", _STR, "why it was refused", allowed=REFUSED_IMAGE_REASONS),
        Column("detail", _STR, "what was found"),
    ),
)

DUPLICATES = Table(
    "duplicates",
    ("image_id", "source", "source_key"),
    (
        Column("image_id", _STR, "the image that is kept"),
        Column("kind", _STR, "exact: same bytes; near: perceptual hashes close", allowed=("exact", "near")),
        Column("source", _STR, "source of the other one"),
        Column("source_key", _STR, "name of the other one inside its source"),
        Column("other_image_id", _STR, "image_id of the other one (the same for exact duplicates)"),
        Column("distance", _INT, "Hamming distance of the perceptual hashes, in bits"),
        Column("across_splits", _BOOL, "one is in train, the other in the gallery"),
    ),
)
