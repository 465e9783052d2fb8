"""Drawing in rounds: the phrase is worded anew by a model that sees what its drawings found."""

from __future__ import annotations

from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import CandidateScorer, make_system, system
from fieldguide.retrieval.systems.rounds import rounds_of
from fieldguide.retrieval.systems.sections.rounds import GenirSystem


@system("genir")
def genir(spec: GenirSystem, collection: SearchCollection) -> CandidateScorer:
    """The drawings of the last round against the photographs (after GenIR, Yang et al., arXiv 2506.06220).

    In GenIR somebody has a photograph in mind and says what a drawing lacks of it, so that a model which knows the
    target refines the query. Here nobody knows the target: the model sees the question, the drawings and what they
    found. The rounds are made by stage `refine`; this ranks by what it wrote.
    """
    return make_system(spec.visret, rounds_of(spec, collection))
