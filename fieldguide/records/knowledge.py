"""Tables of what is known about entities: names, attributes, groups that are easily confused."""

from __future__ import annotations

import pyarrow as pa

from fieldguide.core.tables import Column, Table

_STR, _FLOAT, _BOOL = pa.string(), pa.float64(), pa.bool_()
_STRS = pa.list_(pa.string())

ENTITIES = Table(
    "entities",
    ("entity_id",),
    (
        Column("entity_id", _STR, "slug"),
        Column("name", _STR, "as it is written in a question"),
        Column("aliases", _STRS, "other names"),
        Column("taxonomy", _STRS, "path from the root, the entity itself last"),
        Column("description", _STR, "a sentence or two about how it looks", nullable=True),
        Column("source", _STR, "where the description comes from"),
    ),
)

ATTRIBUTES = Table(
    "attributes",
    ("entity_id", "feature"),
    (
        Column("entity_id", _STR, "entity"),
        Column("feature", _STR, "what is asked for, such as `skin colour`"),
        Column("part", _STR, "where it shows, such as `skin`"),
        Column("value", _STR, "such as `green`"),
        Column("source", _STR, "wordnet, curated, ..."),
        Column("evidence", _STR, "the words or the reference the value was taken from"),
    ),
)

GROUPS = Table(
    "groups",
    ("group_id",),
    (
        Column("group_id", _STR, "entity ids joined by +"),
        Column("entities", _STRS, "2..n entity ids, sorted"),
        Column("score", _FLOAT, "0..1, weighted mean of the three below; greater is more confusable"),
        Column("taxonomic", _FLOAT, "0..1, share of the taxonomy path that is common"),
        Column("lexical", _FLOAT, "0..1, BM25 similarity of descriptions"),
        Column("visual", _FLOAT, "0..1, closeness of the class means in the image space"),
        Column("accepted", _BOOL, "goes on to composing"),
        Column("reason", _STR, "why it was accepted or refused, in words"),
    ),
)
