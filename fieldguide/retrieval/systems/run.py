"""Running a system over every subtopic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fieldguide.params.systems import System
from fieldguide.records import RunLine
from fieldguide.retrieval.runs import rank_images
from fieldguide.retrieval.systems.collection import Collection
from fieldguide.retrieval.systems.registry import Rows, make_system


def run_system(
    name: str,
    system: System,
    collection: Collection,
    pools: Mapping[str, Sequence[str]] | None = None,
    depth: int | None = None,
) -> Iterator[RunLine]:
    """Rank every subtopic: the whole gallery (track fullrank), or each subtopic's own pool (track rerank).

    Args:
        pools: image_ids by subtopic_id for the track rerank; every pooled image must be in the gallery.
        depth: how many images a subtopic keeps; None keeps all.
    """
    score = make_system(system, collection)
    place = {image_id: row for row, image_id in enumerate(collection.gallery)}
    ids, everything = np.array(collection.gallery), np.arange(len(collection.gallery), dtype=np.intp)
    for subtopic in collection.subtopics:
        candidates: Rows = everything
        if pools is not None:
            pool = pools.get(subtopic.subtopic_id, ())
            candidates = np.array(sorted(place[image_id] for image_id in pool), dtype=np.intp)
        scores = score(subtopic, candidates) if len(candidates) else None
        if scores is not None:
            yield from rank_images(subtopic.subtopic_id, ids[candidates], scores, name, depth)
