"""Paracosm: drawings against photographs and their twins, which were drawn as well."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.records.embeddings import text_key
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.fusion import fuse
from fieldguide.retrieval.search import Floats, unit
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.comparison import same_space
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, system
from fieldguide.retrieval.systems.sections.composed import ParacosmSystem
from fieldguide.retrieval.systems.twinned import Twinned


@system("paracosm")
def paracosm(spec: ParacosmSystem, collection: SearchCollection) -> CandidateScorer:
    """Synthetic counterparts of the gallery (Wang, Zhao and Kong, Paracosm, arXiv 2602.00813).

    For each drawing v with its caption b and the text t, all of unit length: q = weight unit(v + b) + (1 - weight) t;
    an image scores cos(q, photograph + twin), the twin being a drawing of the photograph's caption. With `query: none`
    q = v. The paper edits a reference image into v, and t is the text that says how; here v is drawn from the phrase,
    and the scores of several drawings are fused. A photograph without a twin is not ranked; a drawing whose caption
    failed is left out, unless `query` is `none`. With a text, the encoder must have texts and images in one space.
    """
    images, queries = collection.images(spec.encoder), collection.queries(spec.encoder)
    same_space(images, queries)
    gallery = Twinned(collection, images, queries)

    def composed(subtopic: Subtopic) -> Floats | None:
        drawings = collection.drawings_of(subtopic, spec.images)
        if spec.query == "none":
            return queries.rows("drawing", drawings) if drawings else None
        told = {drawing: collection.captions[drawing] for drawing in drawings if drawing in collection.captions}
        if not told:
            return None
        described = queries.rows("caption", [text_key(words) for words in told.values()])
        drawn = unit(queries.rows("drawing", list(told)) + described)
        text = queries.rows(spec.query, [text_key(collection.text_of(subtopic, spec.query))])
        return unit(spec.weight * drawn + (1 - spec.weight) * text)

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        query = composed(subtopic)
        return None if query is None else fuse(gallery.similarities(query, candidates), candidates, spec.fusion, spec.c)

    return score
