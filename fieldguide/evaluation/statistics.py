"""Intervals and tests over topics.

The subtopics of one topic share its question and often its images, so they are no independent
observations. Topics are: a resample draws topics, and a topic's subtopics move together; a
permutation turns the sign of a whole topic. The value they are about is the mean over subtopics.

Bootstrap percentile interval: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
Paired randomisation test: Smucker, Allan and Carterette, CIKM 2007. Its p with +1 in numerator and
denominator: Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9(1), 2010.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Clusters(NamedTuple):
    """Values of m columns (systems, measures), summed within each of n topics.

    sums: (n, m) float64, the sum over the topic's subtopics.
    sizes: (n,) float64, the topic's number of subtopics.
    """

    sums: Floats
    sizes: Floats

    @property
    def mean(self) -> Floats:
        """(m,) mean over all subtopics."""
        return np.asarray(self.sums.sum(axis=0) / self.sizes.sum(), dtype=np.float64)


def clusters(values: Floats, topics: npt.NDArray[np.intp]) -> Clusters:
    """Sum (subtopics, m) values by topic; `topics` numbers each row's topic from 0."""
    count = int(topics.max()) + 1 if len(topics) else 0
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, topics, values)
    return Clusters(sums, np.bincount(topics, minlength=count).astype(np.float64))


def bootstrap_interval(data: Clusters, confidence: float, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Percentile interval of each column's mean over subtopics, from `draws` resamples of the topics.

    All columns see the same resamples. With a single topic the interval has no width: nothing is known of other topics.

    Returns:
        (m,) lower ends and (m,) upper ends.
    """
    count = len(data.sizes)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)
    means = (weights @ data.sums) / (weights @ data.sizes)[:, None]
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high


def randomisation_test(differences: Clusters, draws: int, seed: int) -> Floats:
    """Two-sided p of each column's mean difference being zero: (m,) values in (0, 1].

    Under the null hypothesis the two systems may be exchanged within any topic, which turns the sign
    of the topic's sum of differences. p = (1 + draws at least as far from 0) / (1 + draws); where all
    2^n sign patterns are fewer than `draws`, they are gone through instead, and p is exact.
    """
    sums = differences.sums
    count = len(sums)
    observed = np.abs(sums.sum(axis=0))
    # Sums of the same numbers in another order differ in the last bits and are still as far out.
    bound = observed - 1e-12 * np.abs(sums).sum(axis=0)
    if 2**count <= draws:
        patterns = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        return np.asarray((np.abs((1.0 - 2.0 * patterns) @ sums) >= bound).mean(axis=0), dtype=np.float64)
    signs = np.random.default_rng(seed).integers(0, 2, size=(draws, count)) * 2.0 - 1.0
    extreme = (np.abs(signs @ sums) >= bound).sum(axis=0)
    return np.asarray((1 + extreme) / (1 + draws), dtype=np.float64)
