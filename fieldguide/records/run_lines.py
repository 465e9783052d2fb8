"""Every table and record that leaves a stage, declared in one place.

A `Table` is a Parquet file's schema with its key; a record is one line of a JSONL file. Both are
checked when they are written and when they are read, so that a stage never meets input it does not
understand. `docs/data.md` shows where each file lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SEARCH_VERSION = 1
"""Of data/runs/search/SYSTEM.json, which fieldguide/retrieval/systems/searching.py writes and the report reads."""


_STR, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()


_STRS, _INTS = pa.list_(pa.string()), pa.list_(pa.int64())


@dataclass(frozen=True)
class RunLine:
    """One line of a run: TREC's six columns less the constant."""

    subtopic_id: str
    image_id: str
    rank: int
    score: float
    system: str


@dataclass(frozen=True)
class IndexRecall:
    """How well an index serves a system (of data/runs/search/SYSTEM.json).

    Attributes:
        kind: of the index.
        depth, recall: recall@depth, 0..1, of the index's shortlists beside exact search.
        shortlist: so many images a query.
        images: in the gallery.
        queries: over how many it was measured.
    """

    kind: str
    depth: int
    shortlist: int
    images: int
    queries: int
    recall: float

    def __str__(self) -> str:
        return (
            f"{self.kind} index: recall@{self.depth} {self.recall:.4f} of exact search over {self.queries} queries, "
            f"shortlists of {self.shortlist} of {self.images} images"
        )
