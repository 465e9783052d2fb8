"""Fusing the rankings of several queries for one subtopic (a VisRet query is k drawings)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from fieldguide.records.runs import ranking

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

    Returns:
        (n,). An image that a ranking does not hold (NaN) gets nothing from it; NaN where no ranking holds it.
    """
    ids = np.asarray(image_ids)
    fused, held = np.zeros(scores.shape[1]), ~np.isnan(scores)
    parts = 1.0 / (c + np.arange(1, scores.shape[1] + 1))
    for values, there in zip(scores, held, strict=True):
        chosen = np.flatnonzero(there)
        fused[chosen[ranking(values[chosen], ids[chosen])]] += parts[: len(chosen)]
    fused[~held.any(axis=0)] = np.nan
    return fused


def fuse(scores: npt.NDArray[np.floating], image_ids: Ids, fusion: Fusion, c: float = 1.0) -> npt.NDArray[np.float64]:
    """One score an image from k rankings: reciprocal ranks, mean similarity or greatest similarity.

    Args:
        scores: (k, n) similarities, k >= 1; NaN for an image that is not ranked.
    """
    if fusion == "rrf":
        return reciprocal_ranks(scores, image_ids, c)
    reduce = np.mean if fusion == "mean" else np.max
    return np.asarray(reduce(scores.astype(np.float64), axis=0))


def scaled(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Scores of one ranking as 0..1 between the least and the greatest (Lee, SIGIR 1997); all 0 where all are the same.

    Args:
        scores: (n,); NaN, for an image that is not ranked, stays NaN.
    """
    values = scores.astype(np.float64)
    held = values[~np.isnan(values)]
    if not len(held):
        return values
    spread = held.max() - held.min()
    return np.asarray((values - held.min()) / (spread if spread > 0 else 1.0))
