"""The order of the files: what the sources' names and folders give away."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.records.images import IMAGES
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.systems.collection import Collection
from fieldguide.retrieval.systems.registry import Rows, Scorer, system
from fieldguide.retrieval.systems.sections.baselines import FileOrderSystem


@system("file-order")
def file_order(spec: FileOrderSystem, collection: Collection) -> Scorer:
    """Images in the order of (source, source_key), the first best. Better than chance: the order is no accident."""
    images = IMAGES.read(collection.paths.images).set_index("image_id").loc[list(collection.gallery)]
    place = np.empty(len(images), dtype=np.float64)
    place[np.lexsort((images["source_key"].astype(str), images["source"].astype(str)))] = np.arange(len(images))

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        # A run's scores are float32, which holds whole numbers up to 16 million exactly.
        chosen: npt.NDArray[np.float64] = -place[candidates]
        return chosen

    return score
