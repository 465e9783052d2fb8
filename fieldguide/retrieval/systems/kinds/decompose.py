"""Decomposition: entity and part are asked apart, and an image has to answer both."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from fieldguide.records.embeddings import text_key
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.search import similarities
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.comparison import same_space
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows, system
from fieldguide.retrieval.systems.sections.decompose import DecomposeSystem

Beliefs = npt.NDArray[np.float64]


@system("decompose")
def decompose(spec: DecomposeSystem, collection: SearchCollection) -> CandidateScorer:
    """Simple propositions, each believed of an image to some degree, and the degrees combined.

    After NDCR (Li et al., A Neural Divide-and-Conquer Reasoning Framework for Image Retrieval from Linguistically
    Complex Text, ACL 2023, arXiv 2305.02265) and, parts being matched without training, ComCLIP (arXiv 2211.13854).
    Propositions of a subtopic: the image shows its entity; it shows the part; and, negated, it shows each other entity
    of the question. NDCR learns its reasoner; here the degrees are `believed` and the connectives those of fuzzy logic:
    `product` and `minimum` are conjunctions of the first two, `logic` is the product conjunction of all.
    """
    images, queries = collection.images(spec.encoder), collection.queries(spec.encoder)
    same_space(images, queries)
    rows = images.find("image", collection.gallery)
    known: dict[str, Beliefs] = {}

    def believe(text: str) -> Beliefs:
        if text not in known:
            query = queries.rows("component", [text_key(text)])
            known[text] = believed(similarities(query, images.vectors, rows)[0], spec.prior)
        return known[text]

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        own = collection.components[subtopic.subtopic_id]
        true = [believe(own[about])[candidates] for about in ("entity", "part") if about in own]
        others = {
            collection.components[other.subtopic_id]["entity"]
            for other in subtopic.topic.subtopics
            if other.entity_id != subtopic.entity_id
        }
        false = [believe(text)[candidates] for text in sorted(others)]
        return COMBINE[spec.combine](true, false)

    return score


def believed(similar: npt.NDArray[np.floating], prior: float) -> Beliefs:
    """Degrees in 0..1 from (n,) similarities of one query with the gallery; a share `prior` of them is at least a half.

    The logistic function of the distance, in standard deviations, to that share's least similarity: cosines of
    different queries have different means and spreads, and none of them is a probability.
    """
    values = similar.astype(np.float64)
    spread = values.std()
    return np.asarray(1 / (1 + np.exp((np.quantile(values, 1 - prior) - values) / (spread if spread > 0 else 1.0))))


def _product(true: list[Beliefs], false: list[Beliefs]) -> Beliefs:
    return np.asarray(np.prod(true, axis=0))


def _minimum(true: list[Beliefs], false: list[Beliefs]) -> Beliefs:
    return np.asarray(np.min(true, axis=0))


def _logic(true: list[Beliefs], false: list[Beliefs]) -> Beliefs:
    return np.asarray(np.prod([*true, *(1 - degrees for degrees in false)], axis=0))


COMBINE: Mapping[str, Callable[[list[Beliefs], list[Beliefs]], Beliefs]] = {
    "product": _product,
    "minimum": _minimum,
    "logic": _logic,
}
