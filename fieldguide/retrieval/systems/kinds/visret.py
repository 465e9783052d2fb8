"""Visualize, then retrieve: the drawings of the phrase against the photographs, image to image."""

from __future__ import annotations

from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.fusion import fuse
from fieldguide.retrieval.search import Floats
from fieldguide.retrieval.systems.centring import Centring
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import CandidateScorer, system
from fieldguide.retrieval.systems.sections.comparing import VisretSystem


@system("visret")
def visret(spec: VisretSystem, collection: SearchCollection) -> CandidateScorer:
    """VisRet (Wan, Wu and Chang, arXiv 2505.20291): similarity of the phrase's drawings with the photographs, fused.

    A phrase of which some drawings failed is ranked by those that exist. With `centre`, see `Centring`.
    """
    centring = Centring(spec, collection)

    def drawn(subtopic: Subtopic) -> Floats | None:
        drawings = collection.drawings_of(subtopic, spec.images)
        return centring.drawings(subtopic, centring.queries.rows("drawing", drawings)) if drawings else None

    # Rows of a sorted gallery sort as its ids do.
    return centring.comparison(drawn, lambda found, candidates: fuse(found, candidates, spec.fusion, spec.c))
