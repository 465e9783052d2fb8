"""At random: what a measure is worth without knowledge."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.systems.collection import Collection
from fieldguide.retrieval.systems.registry import Rows, Scorer, system
from fieldguide.retrieval.systems.sections.baselines import RandomSystem


@system("random")
def random(spec: RandomSystem, collection: Collection) -> Scorer:
    """Uniform scores. A subtopic's depend on its id and the seed alone, not on the other subtopics."""

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        digest = hashlib.sha256(f"{spec.seed} {subtopic.subtopic_id}".encode()).digest()
        values = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32)).random(len(collection.gallery))
        chosen: npt.NDArray[np.float64] = values[candidates]
        return chosen

    return score
