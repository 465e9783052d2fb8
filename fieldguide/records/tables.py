"""All tables by name."""

from __future__ import annotations

from fieldguide.core.tables import Table
from fieldguide.records.answers import ANSWERS
from fieldguide.records.drawings import CAPTIONS, DRAWING_REFERENCES, DRAWINGS
from fieldguide.records.embeddings import EMBEDDING_INDEX
from fieldguide.records.images import DUPLICATES, IMAGES, REJECTED
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS
from fieldguide.records.release import RELEASE_IMAGES
from fieldguide.records.scores import SCORES
from fieldguide.records.topics import RECOMPOSED

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        IMAGES,
        REJECTED,
        DUPLICATES,
        ENTITIES,
        ATTRIBUTES,
        GROUPS,
        DRAWING_REFERENCES,
        DRAWINGS,
        CAPTIONS,
        RECOMPOSED,
        EMBEDDING_INDEX,
        POOLS,
        QRELS,
        RELEASE_IMAGES,
        SCORES,
        ANSWERS,
    )
}
