"""Every table and record that leaves a stage, declared in one place.

A `Table` is a Parquet file's schema with its key; a record is one line of a JSONL file. Both are
checked when they are written and when they are read, so that a stage never meets input it does not
understand. `docs/data.md` shows where each file lies.
"""

from __future__ import annotations

import pyarrow as pa

from fieldguide.core.tables import Table
from fieldguide.records.drawings import CAPTIONS, DRAWING_REFERENCES, DRAWINGS
from fieldguide.records.embedding_index import EMBEDDING_INDEX
from fieldguide.records.images import DUPLICATES, IMAGES, REJECTED
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS
from fieldguide.records.release import RELEASE_IMAGES
from fieldguide.records.scores import SCORES
from fieldguide.records.texts import RECOMPOSED

_STR, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()


_STRS, _INTS = pa.list_(pa.string()), pa.list_(pa.int64())


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
    )
}
