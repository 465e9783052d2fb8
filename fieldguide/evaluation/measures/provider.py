"""The one provider of all measures: ir-measures' own, and those of `providers` for what none of them has.

A measure says *what* is computed, a provider *how*. The own ones follow ir-measures' two base classes, so that one
evaluator runs them all, and every measure is read from its text in the same way.
"""

from __future__ import annotations

from functools import cache
from typing import Any

GREATEST_GRADE = 1000
"""trec_eval counts images grade by grade, from 0 to the greatest: beyond this it takes minutes, then all memory."""


@cache
def provider() -> Any:
    """The provider of every measure that may be asked for.

    trec_eval's own code comes first, ir-measures' where that has none, then our own. ir-measures knows more
    providers; those break ties in ways of their own, start other programs or need more packages.
    """
    import ir_measures

    from fieldguide.evaluation.measures.providers.diversity import BOTH_ENTITIES, DiversityProvider
    from fieldguide.evaluation.measures.providers.inquire import INQUIRE_AP, InquireProvider
    from fieldguide.evaluation.measures.providers.joined import FirstProvider
    from fieldguide.evaluation.measures.providers.placed import PlacedProvider
    from fieldguide.evaluation.measures.providers.revisitop import REVISITOP_AP, RevisitopProvider
    from fieldguide.evaluation.measures.providers.trec_eval import TrecEvalProvider
    from fieldguide.evaluation.measures.providers.visret import HIT, VISRET_NDCG, VisretProvider

    for measure in (VISRET_NDCG, HIT, INQUIRE_AP, REVISITOP_AP, BOTH_ENTITIES):
        if measure.NAME not in ir_measures.measures.registry:
            ir_measures.measures.register(measure)
    theirs = [TrecEvalProvider(), *(ir_measures.providers.registry[name] for name in ("judged", "msmarco"))]
    ours = [VisretProvider(), InquireProvider(), RevisitopProvider(), DiversityProvider()]
    return FirstProvider([*map(PlacedProvider, theirs), *ours])
