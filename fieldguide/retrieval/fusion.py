"""Fusing the rankings of several queries for one subtopic (a VisRet query is k drawings)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from fieldguide.retrieval.runs import ranking

Fusion = Literal["rrf", "mean", "max"]
Ids = Sequence[str] | npt.NDArray[np.intp]


def reciprocal_ranks(scores: npt.NDArray[np.floating], image_ids: Ids, c: float) -> npt.NDArray[np.float64]:
    """Reciprocal rank fusion: for each image the sum over rankings of 1 / (c + rank), ranks from 1.

    Cormack, Clarke and Büttcher (SIGIR 2009) with their constant k called c, as VisRet (arXiv 2505.20291)
    uses it with c = 1.

    Args:
        scores: (k, n), one row a ranking; greater is better, ties by falling image_id as in a run.
        image_ids: (n,) ids, or rows that sort as they do.
        c: at least 0.
    """
    ranks = np.empty(scores.shape, dtype=np.int64)
    for row, values in zip(ranks, scores, strict=True):
        row[ranking(values, image_ids)] = np.arange(1, len(image_ids) + 1)
    return np.asarray((1.0 / (c + ranks)).sum(axis=0))


def fuse(scores: npt.NDArray[np.floating], image_ids: Ids, fusion: Fusion, c: float = 1.0) -> npt.NDArray[np.float64]:
    """One score an image from k rankings: reciprocal ranks, mean similarity or greatest similarity.

    Args:
        scores: (k, n) similarities, k >= 1.
    """
    if fusion == "rrf":
        return reciprocal_ranks(scores, image_ids, c)
    reduce = np.mean if fusion == "mean" else np.max
    return np.asarray(reduce(scores.astype(np.float64), axis=0))
