"""Text to text: similarity of the question or the phrase with what a captioner says about each photograph."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.records.embeddings import text_key
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.search import Floats
from fieldguide.retrieval.systems.captioned import Captioned
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, system
from fieldguide.retrieval.systems.sections.comparing import CaptionSystem


@system("caption")
def caption(spec: CaptionSystem, collection: SearchCollection) -> CandidateScorer:
    """Cosine similarity of the question or phrase with the photographs' captions, in one space of texts.

    The text-to-text baseline of VisRet (arXiv 2505.20291). A photograph without a caption is not ranked.
    """
    queries = collection.queries(spec.encoder)
    captions = Captioned(collection, queries)

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        query = queries.rows(spec.query, [text_key(collection.text_of(subtopic, spec.query))])
        found: Floats = captions.similarities(query, candidates)[0]
        return found

    return score
