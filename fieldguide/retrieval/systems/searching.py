"""How the gallery is searched by systems that compare vectors: exactly, or through an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fieldguide.core.files import locked, write_json
from fieldguide.records.runs import SEARCH_VERSION, IndexRecall
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.index.build import build_index, index_key
from fieldguide.retrieval.index.section import AnyIndex
from fieldguide.retrieval.index.serve import OpenIndex, recall
from fieldguide.retrieval.search import QUERIES, Floats
from fieldguide.retrieval.systems.comparison import VectorScorer
from fieldguide.retrieval.systems.registry import Rows

# A subtopic, the candidates that were looked at, and their scores; None if there is nothing to rank by.
Scored = tuple[Subtopic, Rows, npt.NDArray[np.floating] | None]
Searching = Callable[[VectorScorer, Sequence[Subtopic]], Iterator[Scored]]
_Asked = tuple[Subtopic, Floats | None]


def exact(score: VectorScorer, subtopics: Sequence[Subtopic]) -> Iterator[Scored]:
    """Every photograph with every query; the queries of many subtopics share a pass over the gallery."""
    everything: Rows = np.arange(len(score.rows), dtype=np.intp)
    for asked in batches(score, subtopics):
        vectors = [queries for _, queries in asked if queries is not None]
        found = iter(_parted(score.compare(np.concatenate(vectors), everything), vectors) if vectors else ())
        for subtopic, queries in asked:
            yield subtopic, everything, None if queries is None else score.combine(next(found), everything)


def batches(score: VectorScorer, subtopics: Sequence[Subtopic]) -> Iterator[list[_Asked]]:
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


def indexed(spec: AnyIndex, depth: int, cache: Path, tell: Callable[[IndexRecall], None]) -> Searching:
    """Search through an index, which is built first where `cache` does not hold it.

    Each query's shortlist is compared exactly. What several queries of a subtopic propose is compared with all of them;
    a drawing's ranks are then those among these images, as they are in the gallery down to the shortlist's length.

    Args:
        spec: the index; a gallery no larger than its shortlist is searched exactly.
        depth: of the recall that is measured.
        cache: folder of indexes, filed under all that determines them.
        tell: told of the recall, once for each part of a system that compares vectors.
    """

    def search(score: VectorScorer, subtopics: Sequence[Subtopic]) -> Iterator[Scored]:
        if len(score.rows) <= spec.shortlist:
            yield from exact(score, subtopics)
            return
        index = _built(spec, score, cache)
        tell(_measured(index, spec, score, subtopics, depth))
        for asked in batches(score, subtopics):
            for subtopic, queries in asked:
                if queries is None:
                    yield subtopic, np.array([], dtype=np.intp), None
                    continue
                proposed = np.unique(index.search(queries, spec, revision=score.images.meta.revision))
                candidates: Rows = proposed[proposed >= 0]
                yield subtopic, candidates, score.combine(score.compare(queries, candidates), candidates)

    return search


def write_recalls(path: Path, recalls: Sequence[IndexRecall]) -> None:
    """Write what `indexed` told of one system; nothing was told where it searched exactly."""
    write_json(path, {"indexes": [asdict(recall) for recall in recalls], "schema_version": SEARCH_VERSION})


def _built(spec: AnyIndex, score: VectorScorer, cache: Path) -> OpenIndex:
    folder = cache / index_key(spec, score.images, score.rows, score.centre)
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            build_index(spec, score.images, score.rows, score.centre, folder)
    return OpenIndex.open(folder)


def _measured(
    index: OpenIndex, spec: AnyIndex, score: VectorScorer, subtopics: Sequence[Subtopic], depth: int
) -> IndexRecall:
    """Recall over evenly spaced subtopics' queries."""
    chosen = [subtopics[n] for n in np.unique(np.linspace(0, len(subtopics) - 1, spec.sample).astype(int))]
    vectors = [queries for subtopic in chosen if (queries := score.queries(subtopic)) is not None]
    asked = np.concatenate(vectors or [np.zeros((0, index.meta.dimension), np.float32)])[: spec.sample]
    found = index.search(asked, spec, revision=score.images.meta.revision)
    share = recall(found, asked, score.images, score.rows, depth, score.centre) if len(asked) else 1.0
    return IndexRecall(spec.kind, depth, spec.shortlist, index.meta.images, len(asked), share)
