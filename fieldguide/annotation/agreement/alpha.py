"""Krippendorff's alpha with a bootstrap interval.

Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011; Content Analysis, 4th ed., 2019, chapter 12; tests hold
the value against its worked examples and against crowd-kit. The interval is the bootstrap percentile interval over
units that Zapf, Castell, Morawietz and Karch, BMC Medical Research Methodology 16:93, 2016, recommend, drawn in
clusters: images of one topic share its question, so whole topics are drawn (Field and Welsh, Bootstrapping clustered
data, Journal of the Royal Statistical Society B 69(3), 2007). Alpha depends on the data by a small sum alone: each unit
adds to the matrix of coincidences, so that a resample is a weighting of the units' matrices.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Level = Literal["nominal", "ordinal"]
Answer = TypeVar("Answer", bound=Hashable)

# An interval from the resamples that happen to be defined would be one of other data, if many are not.
_MOST_UNDEFINED = 0.05


@dataclass(frozen=True)
class IntervalEstimate:
    """A value with its interval; `reason` says why there is no value, or no interval.

    Attributes:
        value: at most 1; 0 is chance.
        units: how many images it rests on.
    """

    value: float | None
    low: float | None
    high: float | None
    units: int
    reason: str | None = None


def value_counts(answers: Sequence[Mapping[str, Answer]], domain: Sequence[Answer]) -> npt.NDArray[np.int64]:
    """How many assessors gave each value of `domain` to each unit: (units, values). Others are missing values."""
    place = {value: n for n, value in enumerate(domain)}
    counts = np.zeros((len(answers), len(domain)), dtype=np.int64)
    for unit, by in enumerate(answers):
        for given in by.values():
            if given in place:
                counts[unit, place[given]] += 1
    return counts


def coincidences(counts: npt.NDArray[np.int64]) -> Floats:
    """Each unit's matrix of coincidences: (units, values, values); a unit with fewer than two values adds nothing."""
    n = counts.astype(np.float64)
    pairs = n[:, :, None] * n[:, None, :] - n[:, :, None] * np.eye(counts.shape[1])
    return np.asarray(pairs / np.maximum(n.sum(axis=1) - 1, 1)[:, None, None], dtype=np.float64)


def alphas(matrices: Floats, level: Level) -> Floats:
    """Alpha of matrices of coincidences (..., values, values), values in rising order; NaN where undefined.

    The ordinal difference of two values is that of the middles of their ranks among all values, squared: the sum of
    the frequencies between them, less half of both their own.
    """
    each = matrices.sum(axis=-1)
    if level == "nominal":
        difference = np.broadcast_to(1 - np.eye(each.shape[-1]), matrices.shape)
    else:
        middle = np.cumsum(each, axis=-1) - each / 2
        difference = (middle[..., :, None] - middle[..., None, :]) ** 2
    observed = (matrices * difference).sum(axis=(-2, -1))
    expected = (each[..., :, None] * each[..., None, :] * difference).sum(axis=(-2, -1))
    total = each.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - (total - 1) * observed / expected, dtype=np.float64)


def alpha(
    counts: npt.NDArray[np.int64], clusters: Sequence[str], level: Level, confidence: float, draws: int, seed: int
) -> IntervalEstimate:
    """Alpha of value counts (units, values), with its interval from `draws` resamples of whole clusters.

    Args:
        counts: as from `value_counts`; values in rising order.
        clusters: each unit's topic. Where there is one only, units are drawn.
        level: of measurement.
        confidence: of the interval, 0..1.
        draws: number of resamples.
        seed: of the resamples.
    """
    pairable = counts.sum(axis=1) >= 2
    counts, names = counts[pairable], [name for name, kept in zip(clusters, pairable, strict=True) if kept]
    if not len(counts):
        return IntervalEstimate(None, None, None, 0, "no image has answers by two assessors")
    if (counts.sum(axis=0) > 0).sum() < 2:
        why = "all answers are the same, so that agreement cannot be told from chance"
        return IntervalEstimate(None, None, None, len(counts), why)
    value = float(alphas(coincidences(counts).sum(axis=0), level))
    made = alphas(_resampled(counts, names, draws, np.random.default_rng(seed)), level)
    defined = made[~np.isnan(made)]
    if len(counts) < 2 or len(defined) < (1 - _MOST_UNDEFINED) * draws:
        return IntervalEstimate(value, None, None, len(counts), "too few differing answers for an interval")
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return IntervalEstimate(value, float(low), float(high), len(counts))


def _resampled(counts: npt.NDArray[np.int64], clusters: Sequence[str], draws: int, rng: np.random.Generator) -> Floats:
    """Matrices of coincidences of resamples: (draws, values, values)."""
    names, of_unit = np.unique(np.array(clusters), return_inverse=True)
    if len(names) > 1:
        matrices: Floats = np.zeros((len(names), counts.shape[1], counts.shape[1]))
        np.add.at(matrices, of_unit, coincidences(counts))
        weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    else:  # units with the same counts are interchangeable, so their number is drawn and not each of them
        kinds, times = np.unique(counts, axis=0, return_counts=True)
        matrices = coincidences(kinds)
        weights = rng.multinomial(len(counts), times / len(counts), size=draws)
    return np.asarray(np.tensordot(weights.astype(np.float64), matrices, axes=1), dtype=np.float64)
