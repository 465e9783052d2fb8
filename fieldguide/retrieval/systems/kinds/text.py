"""Text to image: similarity of the question, the phrase or its expansions with the photographs in one space."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.records.embeddings import text_key
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.fusion import fuse
from fieldguide.retrieval.search import Floats
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.comparison import VectorScorer, same_space
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, system
from fieldguide.retrieval.systems.sections.comparing import TextSystem


@system("text")
def text(spec: TextSystem, collection: SearchCollection) -> CandidateScorer:
    """Cosine similarity of the question or phrase with the photographs, in one text-to-image space.

    `expansion` fuses the similarities of the phrase and of its other wordings, as VisRet fuses those of drawings.
    """
    images, queries = collection.images(spec.encoder), collection.queries(spec.encoder)
    same_space(images, queries)

    def wordings(subtopic: Subtopic) -> Floats:
        if spec.query == "question":
            return queries.rows("question", [text_key(subtopic.topic.text)])
        phrase = queries.rows("phrase", [text_key(collection.phrases[subtopic.subtopic_id])])
        if spec.query == "phrase":
            return phrase
        others = [text_key(words) for words in collection.expansions.get(subtopic.subtopic_id, ())]
        return np.concatenate([phrase, queries.rows("expansion", others)])

    def combine(found: Floats, candidates: Rows) -> npt.NDArray[np.floating]:
        return fuse(found, candidates, spec.fusion, spec.c) if len(found) > 1 else found[0]

    return VectorScorer(images, images.find("image", collection.gallery), wordings, combine)
