"""CIReVL: the drawing's caption, recomposed with the text, against the photographs."""

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
from fieldguide.retrieval.systems.sections.composed import CirevlSystem


@system("cirevl")
def cirevl(spec: CirevlSystem, collection: SearchCollection) -> CandidateScorer:
    """Vision by language (Karthik, Roth, Mancini and Akata, CIReVL, arXiv 2310.09291): text to image.

    The reference image, here a drawing, is captioned, the caption recomposed with the text, and the result searched for
    among the photographs; the scores of several drawings are fused. A drawing whose caption or recomposition failed is
    left out.
    """
    images, queries = collection.images(spec.encoder), collection.queries(spec.encoder)
    same_space(images, queries)

    def recomposed(subtopic: Subtopic) -> Floats | None:
        told = collection.recomposed(subtopic, spec.images)
        return queries.rows("recomposed", [text_key(words) for words in told.values()]) if told else None

    def combine(found: Floats, candidates: Rows) -> npt.NDArray[np.floating]:
        return fuse(found, candidates, spec.fusion, spec.c)

    return VectorScorer(images, images.find("image", collection.gallery), recomposed, combine)
