"""Confidence intervals of means over topics that share entities; docs/decisions/0011 has the coverage of each.

Both use the two-way clustered variance, with the degrees of freedom of the scarcer of topics and entities. A value in
[0, 1] has its variance bounded by m (1 - m), m its mean. Near 0 and 1 a few topics say little of it: one hard entity
more, that the sample happens to lack, would change everything. So the variance is estimated as if three more units
had been seen that vary as much as they can, as Agresti and Coull add two successes and two failures (The American
Statistician 52(2), 1998). The interval is Wilson's (JASA 22, 1927) for the effective number of units (Kott and Carr,
Journal of Official Statistics 13(1), 1997), with Student's t in place of the normal quantile.
"""

from __future__ import annotations

import numpy as np

from fieldguide.evaluation.statistics.clusters import Clusters, Floats

_MORE = 3
"""Units of the greatest variance: the fewest with which .93 of the intervals hold in all that was measured."""


def variance(data: Clusters) -> Floats:
    """(m,) variance of each column's mean over subtopics; not a number for a single topic."""
    count = len(data.sizes)
    residuals = data.sums - data.mean * data.sizes[:, None]
    effect = 1.0 if data.effect is None else data.effect
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.divide(count, count - 1) * (residuals**2).sum(axis=0) / data.sizes.sum() ** 2 * effect)


def mean_interval(data: Clusters, confidence: float) -> tuple[Floats, Floats]:
    """(m,) lower and (m,) upper ends, by Student's t; a single topic says nothing: from minus to plus infinity."""
    if len(data.sizes) < 2:
        return np.full_like(data.mean, -np.inf), np.full_like(data.mean, np.inf)
    half = _quantile(data, confidence) * np.sqrt(variance(data))
    return data.mean - half, data.mean + half


def bounded_interval(data: Clusters, confidence: float) -> tuple[Floats, Floats]:
    """The same for values in [0, 1]: never beyond them, and of some width where all values are 0 or all are 1."""
    mean, units = data.mean, data.units or len(data.sizes)
    if len(data.sizes) < 2:
        return np.zeros_like(mean), np.ones_like(mean)
    most = mean * (1 - mean)
    share = np.divide(variance(data), most, out=np.full_like(mean, 1 / units), where=most > 0)  # 1 / effective units
    share = ((units - 1) * share + _MORE / units) / (units - 1 + _MORE)
    square = _quantile(data, confidence) ** 2 * share
    centre, half = mean + square / 2, np.sqrt(square * (most + square / 4))
    low, high = (centre - half) / (1 + square), (centre + half) / (1 + square)
    # Rounding may put an end a last bit inside the mean, which the interval holds.
    return np.maximum(np.minimum(low, mean), 0.0), np.minimum(np.maximum(high, mean), 1.0)


def _quantile(data: Clusters, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit((data.units or len(data.sizes)) - 1, (1 + confidence) / 2))
