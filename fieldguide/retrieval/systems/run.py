"""Running a system over every subtopic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fieldguide.records.runs import RunLine, rank_images
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.comparison import VectorScorer
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, make_system
from fieldguide.retrieval.systems.searching import Scored, Searching, exact
from fieldguide.retrieval.systems.sections.systems import System


def run_system(
    name: str,
    system: System,
    collection: SearchCollection,
    pools: Mapping[str, Sequence[str]] | None = None,
    depth: int | None = None,
    search: Searching = exact,
) -> Iterator[RunLine]:
    """Rank every subtopic: the whole gallery (track fullrank), or each subtopic's own pool (track rerank).

    Args:
        pools: image_ids by subtopic_id for the track rerank; every pooled image must be in the gallery.
        depth: how many images a subtopic keeps; None keeps all.
        search: how a whole gallery is searched by a system that compares vectors; pools are always compared exactly.
    """
    score, ids = make_system(system, collection), np.array(collection.gallery)
    if pools is not None:
        scored = _pools(score, collection, pools)
    elif isinstance(score, VectorScorer):
        scored = search(score, collection.subtopics)
    else:
        everything: Rows = np.arange(len(ids), dtype=np.intp)
        scored = ((subtopic, everything, score(subtopic, everything)) for subtopic in collection.subtopics)
    for subtopic, candidates, scores in scored:
        if scores is not None and len(candidates):
            ranked = ~np.isnan(scores)
            yield from rank_images(subtopic.subtopic_id, ids[candidates[ranked]], scores[ranked], name, depth)


def _pools(
    score: CandidateScorer, collection: SearchCollection, pools: Mapping[str, Sequence[str]]
) -> Iterator[Scored]:
    place = {image_id: row for row, image_id in enumerate(collection.gallery)}
    for subtopic in collection.subtopics:
        pool = pools.get(subtopic.subtopic_id, ())
        candidates: Rows = np.array(sorted(place[image_id] for image_id in pool), dtype=np.intp)
        yield subtopic, candidates, score(subtopic, candidates) if len(candidates) else None
