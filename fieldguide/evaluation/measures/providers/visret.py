"""The two measures of the VisRet code (Wu and others, arXiv 2505.20291; `visual-rag-me/run_retrieval.py`).

Its `recall@k` asks whether any relevant image is among the top k; that is trec_eval's success, here `hit@k`.

Its `ndcg@k` calls sklearn's `ndcg_score` with the top k relevances sorted falling as truth, and the same relevances in
rank order as scores. Both change what nDCG means. A 0/1 list is nearly all ties, and sklearn averages over tied
scores (McSherry and Najork, ECIR 2008), so that a relevant image at rank 9 is not at rank 9 but anywhere among the
zeros. And the ideal is that of the top k itself: relevant images outside it cost nothing.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from ir_measures import Measure
from ir_measures.providers.base import Any as AnyValue

from fieldguide.evaluation.measures.lists import Ranked
from fieldguide.evaluation.measures.providers.ranked import REL, Cutoff, RankedProvider


class VisretNDCG(Measure):
    """`visret_nDCG@k`: to compare with published VisRet tables, and for nothing else."""

    __name__ = "visret_nDCG"
    NAME = "visret_nDCG"
    PRETTY_NAME = "nDCG of the VisRet code"
    SHORT_DESC = "Ties averaged and normalised within the top k: relevant images outside it are ignored."
    SUPPORTED_PARAMS: ClassVar = {"cutoff": Cutoff(), "rel": REL}


class Hit(Measure):
    """`hit@k`: whether any of the top k is relevant."""

    __name__ = "hit"
    NAME = "hit"
    PRETTY_NAME = "Hit rate"
    SHORT_DESC = "Whether any of the top k is relevant; the VisRet code calls it recall."
    SUPPORTED_PARAMS: ClassVar = {"cutoff": Cutoff(), "rel": REL}


VISRET_NDCG, HIT = VisretNDCG(), Hit()


class VisretProvider(RankedProvider):
    """Computes `visret_nDCG@k` and `hit@k`."""

    NAME = "visret"
    SUPPORTED_MEASURES: ClassVar = [
        VisretNDCG(cutoff=AnyValue(), rel=AnyValue()),
        Hit(cutoff=AnyValue(), rel=AnyValue()),
    ]

    def compute(self, measure: Measure, ranked: Ranked) -> float:
        """The value for one subtopic, in [0, 1]."""
        top = ranked.relevant(measure)[: measure["cutoff"]]
        return visret_ndcg(top) if measure.NAME == VISRET_NDCG.NAME else float(top.any())


def discounts(count: int) -> npt.NDArray[np.float64]:
    """(count,) discounts 1 / log2(1 + rank) of ranks from 1."""
    return np.asarray(1 / np.log2(np.arange(2, count + 2)), dtype=np.float64)


def visret_ndcg(top: npt.NDArray[np.bool_]) -> float:
    """What sklearn's `ndcg_score([sorted(top, reverse=True)], [top])` gives.

    The truth is 1 at the first m of n ranks, m being the number of relevant ones. sklearn sees two groups of tied
    scores: the ones fill ranks 1 to m with their mean truth h / m, h of them lying within the first m ranks; the
    zeros fill the rest with theirs, (m - h) / (n - m). With D(a, b) the sum of discounts of ranks a to b:

        h / m + (m - h) / (n - m) * D(m + 1, n) / D(1, m)

    Without a relevant image it is 0; a single image, which sklearn refuses, has its relevance, as in the VisRet code.

    Args:
        top: (n,) whether each of the top k is relevant, in rank order; n may be below k.
    """
    n, m = len(top), int(top.sum())
    if m in (0, n):
        return float(m > 0)
    h = int(top[:m].sum())
    d = discounts(n)
    return float(h / m + (m - h) / (n - m) * d[m:].sum() / d[:m].sum())
