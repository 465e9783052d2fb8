"""One score for all: what the rule for ties is worth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.systems.collection import Collection
from fieldguide.retrieval.systems.registry import Rows, Scorer, system
from fieldguide.retrieval.systems.sections.baselines import ConstantSystem


@system("constant")
def constant(spec: ConstantSystem, collection: Collection) -> Scorer:
    """Every image scores 0: the run is ordered by image_id alone, and no measure may find more in it than chance."""

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        return np.zeros(len(candidates), dtype=np.float32)

    return score
