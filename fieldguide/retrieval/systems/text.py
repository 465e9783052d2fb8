"""Text to image: similarity of the question or the phrase with the photographs in one space."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.files import sha256_bytes
from fieldguide.params.systems import TextSystem
from fieldguide.records import Subtopic
from fieldguide.retrieval.search import Floats, similarities
from fieldguide.retrieval.systems.collection import Collection
from fieldguide.retrieval.systems.registry import Rows, Scorer, system


@system("text")
def text(spec: TextSystem, collection: Collection) -> Scorer:
    """Cosine similarity of the question or phrase with the photographs, in one text-to-image space."""
    images, queries = collection.images(spec.encoder), collection.queries(spec.encoder)
    rows = images.find("image", collection.gallery)

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        words = subtopic.topic.text if spec.query == "question" else collection.phrases[subtopic.subtopic_id]
        query = queries.rows(spec.query, [sha256_bytes(words.encode())])
        found: Floats = similarities(query, images.vectors, rows[candidates])[0]
        return found

    return score
