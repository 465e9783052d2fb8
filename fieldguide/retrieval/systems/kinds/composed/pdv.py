"""PDV: drawing and caption moved along the direction that the prompt gives."""

from __future__ import annotations

from fieldguide.records.embeddings import text_key
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.fusion import fuse
from fieldguide.retrieval.search import Floats, unit
from fieldguide.retrieval.systems.centring import Centring
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import CandidateScorer, system
from fieldguide.retrieval.systems.sections.composed import PdvSystem


@system("pdv")
def pdv(spec: PdvSystem, collection: SearchCollection) -> CandidateScorer:
    """Prompt directional vectors (Tursun, Kalkan, Denman and Fookes, arXiv 2502.07215).

    For each drawing v with caption b and recomposed caption m, D = m - b is the prompt's direction. The composed image
    is v + alpha_image D, the composed text b + alpha_text D, the query (1 - beta) image + beta text, all of unit length
    (the paper's PDV-I, PDV-T and PDV-F); the paper's reference image is here a drawing, and the scores of several are
    fused. A drawing whose caption or recomposition failed is left out. The encoder must have texts and images in one
    space.
    """
    centring = Centring(spec, collection)
    queries = centring.queries

    def moved(subtopic: Subtopic) -> Floats | None:
        told = collection.recomposed(subtopic, spec.images)
        if not told:
            return None
        drawn = centring.drawings(subtopic, queries.rows("drawing", list(told)))
        base = queries.rows("caption", [text_key(collection.captions[drawing]) for drawing in told])
        direction = queries.rows("recomposed", [text_key(words) for words in told.values()]) - base
        image = unit(drawn + spec.alpha_image * direction)
        text = unit(centring.texts(subtopic, "caption", base) + spec.alpha_text * direction)
        return unit((1 - spec.beta) * image + spec.beta * text)

    return centring.comparison(moved, lambda found, candidates: fuse(found, candidates, spec.fusion, spec.c))
