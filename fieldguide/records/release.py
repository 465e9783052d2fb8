"""The tables of a release that other programs read: images, topics, runs."""

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

RELEASE_TOPICS = Table(
    "release_topics",
    ("topic_id",),
    (
        Column("topic_id", _STR, "the question"),
        Column("kind", _STR, "one entity, or several that are compared", allowed=("comparison", "entity")),
        Column("form", _STR, "how it asks"),
        Column("text", _STR, "the question in words"),
        Column("entities", pa.list_(_STR), "entity_ids, in the order in which it names them"),
        Column("names", pa.list_(_STR), "what these entities are called"),
        Column("values", pa.list_(_STR), "each entity's value of the feature; null where none is known"),
        Column("subtopics", pa.list_(_STR), "subtopic_ids: what is searched for, one an entity"),
        Column("feature", _STR, "what is asked about"),
        Column("part", _STR, "the part that shows it"),
        Column("answer", _STR, "reference answer"),
    ),
)

RELEASE_RUNS = Table(
    "release_runs",
    ("track", "system", "subtopic_id", "image_id"),
    (
        Column("track", _STR, "which images were ranked", allowed=("rerank", "fullrank")),
        Column("system", _STR, "name in params.yaml"),
        Column("subtopic_id", _STR, "topic x entity"),
        Column("image_id", _STR, "ranked image"),
        Column("rank", pa.int64(), "from 1"),
        Column("score", pa.float64(), "greater is better"),
    ),
)

RELEASE_QUERIES = Table(
    "release_queries",
    ("subtopic_id",),
    (
        Column("subtopic_id", _STR, "the query: topic x entity, as qrels and runs name it"),
        Column("text", _STR, "what is searched for, unambiguous by itself"),
        Column("topic_id", _STR, "the question"),
        Column("question", _STR, "the question in words"),
        Column("kind", _STR, "kind of the topic", allowed=("comparison", "entity")),
        Column("form", _STR, "how it asks"),
        Column("entity_id", _STR, "the entity that is to be seen"),
        Column("entity", _STR, "what it is called"),
        Column("feature", _STR, "what is asked about"),
        Column("part", _STR, "the part that shows it"),
        Column("phrase", _STR, "as it was given to the text-to-image model"),
    ),
)

THUMBNAILS = Table(
    "thumbnails",
    ("image_id",),
    (
        Column("image_id", _STR, "an image whose licence is stated"),
        Column("image", pa.struct({"bytes": pa.binary(), "path": pa.string()}), "a small WebP of it, and its name"),
    ),
)
