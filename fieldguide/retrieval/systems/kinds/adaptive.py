"""Text or drawings, chosen for each query by what either is predicted to be worth."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.search import Floats, best, similarities
from fieldguide.retrieval.systems.centring import Centring
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, make_system, system
from fieldguide.retrieval.systems.sections.systems import AdaptiveSystem


@system("adaptive")
def adaptive(spec: AdaptiveSystem, collection: SearchCollection) -> CandidateScorer:
    """Rank by the drawings or by the text, whichever is predicted to do better for this subtopic.

    GILL (Koh, Fried and Salakhutdinov, NeurIPS 2023, arXiv 2305.17216) learns for each request whether to retrieve or
    to generate. Here nothing is learnt: `spread` takes the ranking whose best images stand out further
    (`standing_out`); `agreement` takes the drawings where their rankings agree by at least `threshold`, else the text.
    Where no drawing exists the text is taken. What is predicted hangs on the gallery alone, not on the candidates.
    """
    text, drawings = make_system(spec.text, collection), make_system(spec.visret, collection)
    everything: Rows = np.arange(len(collection.gallery), dtype=np.intp)
    agreeing = _Agreement(spec, collection) if spec.predictor == "agreement" else None

    def by_drawings(subtopic: Subtopic) -> bool:
        drawn = drawings(subtopic, everything)
        if drawn is None:
            return False
        if agreeing is not None:
            return agreeing(subtopic) >= spec.threshold
        told = text(subtopic, everything)
        return told is None or standing_out(drawn, spec.depth) > standing_out(told, spec.depth)

    chosen: dict[str, bool] = {}

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        if subtopic.subtopic_id not in chosen:
            chosen[subtopic.subtopic_id] = by_drawings(subtopic)
        return (drawings if chosen[subtopic.subtopic_id] else text)(subtopic, candidates)

    return score


def standing_out(scores: npt.NDArray[np.floating], depth: int) -> float:
    """Mean score of the `depth` best images less that of all, in standard deviations of all; 0 where all are equal.

    Weighted information gain (Zhou and Croft, Query performance prediction in web search environments, SIGIR 2007)
    with the gallery for the collection, standardised so that two spaces can be compared.
    """
    values = np.sort(scores.astype(np.float64))[::-1]
    spread = values.std()
    return float((values[:depth].mean() - values.mean()) / spread) if spread > 0 else 0.0


def agreement(similar: Floats, depth: int) -> float:
    """Mean share, over pairs of (k, n) rankings, of the `depth` best that both have; 1 for a single ranking."""
    tops = [set(best(scores, min(depth, len(scores))).tolist()) for scores in similar]
    pairs = list(combinations(tops, 2))
    return sum(len(one & other) / len(one) for one, other in pairs) / len(pairs) if pairs else 1.0


class _Agreement:
    """How far the rankings by single drawings of a subtopic's phrase agree."""

    def __init__(self, spec: AdaptiveSystem, collection: SearchCollection) -> None:
        self._spec, self._collection, self._centring = spec, collection, Centring(spec.visret, collection)

    def __call__(self, subtopic: Subtopic) -> float:
        space = self._centring
        drawings = self._collection.drawings_of(subtopic, self._spec.visret.images)
        vectors = space.drawings(subtopic, space.queries.rows("drawing", drawings))
        similar = similarities(vectors, space.images.vectors, space.rows, space.photographs(subtopic))
        return agreement(similar, self._spec.depth)
