"""A system: photographs that every drawing of a phrase resembles."""

import numpy as np

from fieldguide.core.section import Name, Positive, Section
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.comparison import VectorScorer, same_space
from fieldguide.retrieval.systems.registry import CandidateScorer, system


class Agreement(Section):
    """What its section in params.yaml may hold beside `kind`."""

    encoder: Name
    images: Positive = 3


@system("agreement", options=Agreement)
def agreement(spec: Agreement, collection: SearchCollection) -> CandidateScorer:
    """Ranks by the least similarity with any of the drawings."""
    images, queries = collection.images(spec.encoder), collection.queries(spec.encoder)
    same_space(images, queries)

    def drawings(subtopic):
        ids = collection.drawings_of(subtopic, spec.images)
        return queries.rows("drawing", ids) if ids else None  # None: nothing to rank by

    rows = images.find("image", collection.gallery)
    return VectorScorer(images, rows, drawings, lambda found, candidates: np.min(found, axis=0))
