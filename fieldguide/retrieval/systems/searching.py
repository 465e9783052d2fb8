"""How the gallery is searched by systems that compare vectors: exactly, or through an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fieldguide.records import Subtopic
from fieldguide.retrieval.search import QUERIES, Floats
from fieldguide.retrieval.systems.comparison import Comparison
from fieldguide.retrieval.systems.registry import Rows

# A subtopic, the candidates that were looked at, and their scores; None if there is nothing to rank by.
Scored = tuple[Subtopic, Rows, npt.NDArray[np.floating] | None]
Searching = Callable[[Comparison, Sequence[Subtopic]], Iterator[Scored]]
_Asked = tuple[Subtopic, Floats | None]


def exact(score: Comparison, subtopics: Sequence[Subtopic]) -> Iterator[Scored]:
    """Every photograph with every query; the queries of many subtopics share a pass over the gallery."""
    everything: Rows = np.arange(len(score.rows), dtype=np.intp)
    for asked in batches(score, subtopics):
        vectors = [queries for _, queries in asked if queries is not None]
        found = iter(_parted(score.compare(np.concatenate(vectors), everything), vectors) if vectors else ())
        for subtopic, queries in asked:
            yield subtopic, everything, None if queries is None else score.combine(next(found), everything)


def batches(score: Comparison, subtopics: Sequence[Subtopic]) -> Iterator[list[_Asked]]:
    """Subtopics with their queries, in order, as many at once as share a pass; at least one."""
    waiting: list[_Asked] = []
    count = 0
    for subtopic in subtopics:
        queries = score.queries(subtopic)
        more = 0 if queries is None else len(queries)
        if waiting and count + more > QUERIES:
            yield waiting
            waiting, count = [], 0
        waiting.append((subtopic, queries))
        count += more
    if waiting:
        yield waiting


def _parted(found: Floats, vectors: Sequence[Floats]) -> list[Floats]:
    """The rows of each of several stacked arrays."""
    return np.split(found, np.cumsum([len(queries) for queries in vectors])[:-1])
