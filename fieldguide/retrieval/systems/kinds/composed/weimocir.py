"""WeiMoCIR: drawing and text as one query, against photographs and their captions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.records.embeddings import text_key
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.fusion import fuse
from fieldguide.retrieval.search import similarities, unit
from fieldguide.retrieval.systems.captioned import Captioned
from fieldguide.retrieval.systems.centring import Centring
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, system
from fieldguide.retrieval.systems.sections.composed import WeimocirSystem


@system("weimocir")
def weimocir(spec: WeimocirSystem, collection: SearchCollection) -> CandidateScorer:
    """Weighted modality fusion and similarity (Wu, Lin and Yang, WeiMoCIR, arXiv 2409.04918).

    For each drawing v and the text t, both of unit length: q = (1 - alpha) v + alpha t; an image scores
    (1 - beta) cos(q, photograph) + beta cos(q, its caption). The paper's reference image is here a drawing; the scores
    of several are fused. Where beta > 0, a photograph without a caption is not ranked. The encoder must have texts and
    images in one space. With `centre`, captions lose their own mean too; otherwise see `Centring`.
    """
    centring = Centring(spec, collection)
    queries = centring.queries
    captions = Captioned(collection, queries) if spec.beta else None

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        drawings = collection.drawings_of(subtopic, spec.images)
        if not drawings:
            return None
        drawn = centring.drawings(subtopic, queries.rows("drawing", drawings))
        words = queries.rows(spec.query, [text_key(collection.text_of(subtopic, spec.query))])
        told = centring.texts(subtopic, spec.query, words)
        query = unit((1 - spec.alpha) * drawn + spec.alpha * told)
        found = similarities(query, centring.images.vectors, centring.rows[candidates], centring.photographs(subtopic))
        if captions is not None:
            centre = captions.mean if spec.centre != "none" else None
            found = (1 - spec.beta) * found + spec.beta * captions.similarities(query, candidates, centre)
        return fuse(found, candidates, spec.fusion, spec.c)

    return score
