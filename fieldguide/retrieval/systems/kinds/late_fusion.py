"""Late fusion: the scores of several systems as one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.fusion import reciprocal_ranks, scaled
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, make_system, system
from fieldguide.retrieval.systems.sections.systems import LateFusionSystem


@system("late-fusion")
def late_fusion(spec: LateFusionSystem, collection: SearchCollection) -> CandidateScorer:
    """Weighted reciprocal ranks, or CombSUM (Fox and Shaw, TREC-2 1994) of scores scaled to 0..1 (Lee, SIGIR 1997).

    A part that has nothing to rank a subtopic by, or does not rank an image, adds nothing; an image that no part ranks
    is not ranked.
    """
    scorers = [make_system(part, collection) for part in spec.parts]
    weights = np.array(spec.weights or [1.0] * len(scorers)) / sum(spec.weights or [1.0] * len(scorers))

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        found = [(weight, scorer(subtopic, candidates)) for weight, scorer in zip(weights, scorers, strict=True)]
        parts = [(weight, np.asarray(scores, dtype=np.float64)) for weight, scores in found if scores is not None]
        if not parts:
            return None
        if spec.fusion == "rrf":
            fused = [weight * reciprocal_ranks(scores[None], candidates, spec.c) for weight, scores in parts]
        else:
            fused = [weight * scaled(scores) for weight, scores in parts]
        total: npt.NDArray[np.float64] = np.nansum(fused, axis=0)
        total[np.isnan(fused).all(axis=0)] = np.nan
        return total

    return score
