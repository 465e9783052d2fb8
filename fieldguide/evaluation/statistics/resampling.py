"""Intervals and tests over topics, for topics that share entities.

The subtopics of one topic share its question and often its images, so they are no independent
observations. Topics are: a resample draws topics, and a topic's subtopics move together; a
permutation turns the sign of a whole topic. The value they are about is the mean over subtopics.

Topics that share an entity are not independent either: an entity that is hard is hard in all of them.
How much that matters is the design effect, the variance of the mean with clusters of topics and of
entities over the variance with clusters of topics alone:

    effect = max(1, (V_topic + V_entity - V_both) / V_topic)
    V = G / (G - 1) * sum over the G clusters of (sum of residuals)^2

Intervals are wider by its root, and a tested difference counts as smaller by its root. Where no entity is in two topics
it is 1 and nothing changes. docs/decisions/0011 has the coverage that was measured, of the alternatives too.

Two-way variance: Cameron, Gelbach and Miller, Robust inference with multiway clustering, Journal of Business &
Economic Statistics 29(2), 2011. Dividing a test's statistic by the design effect: Rao and Scott, JASA 76, 1981.
Bootstrap percentile interval: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; its
percentiles moved outwards for few clusters: Hesterberg, The American Statistician 69(4), 2015, section 5.3.
Paired randomisation test: Smucker, Allan and Carterette, CIKM 2007. Its p with +1 in numerator and
denominator: Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9(1), 2010.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

# Resamples and columns at once: a few megabytes, however many there are of either.
_DRAWS = 512
_EXACT = 20  # topics: a million sign patterns, which take less time than they are worth
_COLUMNS = 256


class Clusters(NamedTuple):
    """Values of m columns (systems, measures, differences), summed within each of n topics.

    sums: (n, m) float64, the sum over the topic's subtopics.
    sizes: (n,) float64, the topic's number of subtopics.
    effect: (m,) float64, at least 1: the design effect of entities that several topics share.
    units: the smaller of the numbers of topics and of shared entities; None: that of topics.
    """

    sums: Floats
    sizes: Floats
    effect: Floats | None = None
    units: int | None = None

    @property
    def mean(self) -> Floats:
        """(m,) mean over all subtopics."""
        return np.asarray(self.sums.sum(axis=0) / self.sizes.sum(), dtype=np.float64)


def clusters(values: Floats, topics: Labels, entities: Labels | None = None) -> Clusters:
    """Sum (subtopics, m) values by topic.

    Args:
        values: a row each subtopic.
        topics: numbers each row's topic from 0.
        entities: numbers each row's entity from 0; None: topics share nothing.
    """
    sums = _summed(values, topics)
    sizes = np.bincount(topics, minlength=len(sums)).astype(np.float64)
    if entities is None or len(sums) < 2:
        return Clusters(sums, sizes)
    both = np.unique(np.column_stack([topics, entities]), axis=0, return_inverse=True)[1].ravel()
    count = int(entities.max()) + 1
    if count < 2 or count == int(both.max()) + 1:  # one entity alone, or each in one topic only
        return Clusters(sums, sizes)
    return Clusters(sums, sizes, _design_effect(values, topics, entities, both), min(len(sums), count))


def _summed(values: Floats, labels: Labels) -> Floats:
    """(clusters, m) sums of the rows with each label."""
    from scipy import sparse

    count = int(labels.max()) + 1 if len(labels) else 0
    member = sparse.csr_array((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(count, len(labels)))
    return np.asarray(member @ values, dtype=np.float64)


def _design_effect(values: Floats, topics: Labels, entities: Labels, both: Labels) -> Floats:
    """(m,) at least 1; 1 where topics do not differ at all. See the head of this module."""
    residuals = values - values.mean(axis=0)

    def variance(labels: Labels) -> Floats:
        sums = _summed(residuals, labels)
        return np.asarray((sums**2).sum(axis=0) * len(sums) / (len(sums) - 1), dtype=np.float64)

    topic = variance(topics)
    total = topic + variance(entities) - variance(both)
    varies = topic > 1e-20 * len(values)
    ratio: Floats = np.divide(total, topic, out=np.ones_like(topic), where=varies)
    return np.asarray(np.maximum(1.0, ratio), dtype=np.float64)


def bootstrap_interval(data: Clusters, confidence: float, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Interval of each column's mean over subtopics, from the percentiles of `draws` resamples of the topics.

    All columns see the same resamples. An end may lie beyond the values' range where the design effect
    is above 1. With a single topic the interval has no width: nothing is known of other topics.

    Returns:
        (m,) lower ends and (m,) upper ends.
    """
    mean = data.mean
    low, high = np.empty_like(mean), np.empty_like(mean)
    tail = _tail(len(data.sizes), data.units, (1 - confidence) / 2)
    for place in range(0, len(mean), _COLUMNS):
        part = slice(place, place + _COLUMNS)
        means = _resampled(Clusters(data.sums[:, part], data.sizes), draws, seed)
        low[part], high[part] = np.quantile(means, [tail, 1 - tail], axis=0, overwrite_input=True)
    if data.effect is None:
        return low, high
    wider = np.sqrt(data.effect)
    return mean + (low - mean) * wider, mean + (high - mean) * wider


def _tail(topics: int, units: int | None, tail: float) -> float:
    """The percentile that stands for `tail`: that of Student's t, for resampled means vary by (n-1)/n too little."""
    from scipy.special import ndtr, stdtrit

    if topics < 2:
        return tail
    return float(ndtr(np.sqrt(topics / (topics - 1)) * stdtrit((units or topics) - 1, tail)))


def _resampled(data: Clusters, draws: int, seed: int) -> Floats:
    """(draws, m) means of resamples with replacement."""
    means = np.empty((draws, data.sums.shape[1]))
    for place, weights in _multiplicities(len(data.sizes), draws, seed):
        means[place : place + len(weights)] = (weights @ data.sums) / (weights @ data.sizes)[:, None]
    return means


def _multiplicities(count: int, draws: int, seed: int) -> Iterator[tuple[int, Floats]]:
    """(number of the first, (block, count) how often each resample has each topic); blocks do not change the draws."""
    rng = np.random.default_rng(seed)
    for place in range(0, draws, _DRAWS):
        size = min(_DRAWS, draws - place)
        drawn = rng.integers(0, count, size=(size, count)) + np.arange(size)[:, None] * count
        yield place, np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count).astype(np.float64)


def randomisation_test(differences: Clusters, draws: int, seed: int) -> Floats:
    """Two-sided p of each column's mean difference being zero: (m,) values in (0, 1].

    Under the null hypothesis the two systems may be exchanged within any topic, which turns the sign
    of the topic's sum of differences. p = (1 + draws at least as far from 0) / (1 + draws); of up to 20 topics
    all 2^n sign patterns are gone through instead, and p is exact. Where topics share
    entities, the observed difference counts as smaller, see `_discounted`.
    """
    sums = differences.sums
    observed = np.abs(sums.sum(axis=0)) if differences.effect is None else _discounted(differences, differences.effect)
    # Sums of the same numbers in another order differ in the last bits and are still as far out.
    bound = observed - 1e-12 * np.abs(sums).sum(axis=0)
    exact = len(sums) <= _EXACT
    patterns = 2 ** (len(sums) - 1) if exact else draws
    extreme = np.zeros(len(bound))
    for signs in _signs(len(sums), None if exact else draws, seed):
        for place in range(0, len(bound), _COLUMNS):
            part = slice(place, place + _COLUMNS)
            extreme[part] += (np.abs(signs @ sums[:, part]) >= bound[part]).sum(axis=0)
    return np.asarray(extreme / patterns if exact else (1 + extreme) / (1 + patterns), dtype=np.float64)


def _discounted(differences: Clusters, effect: Floats) -> Floats:
    """(m,) sums of differences as far out among independent topics as the observed ones are among these.

    Far out by Student's t; sum^2 = t^2 * n * Q / (n - 1 + t^2) with Q the sum of squares, which no change of signs
    changes. The observed t is divided by the root of the design effect and has units - 1 degrees of freedom, not n - 1.
    """
    from scipy.special import stdtr, stdtrit

    count = len(differences.sums)
    observed = np.abs(differences.sums.sum(axis=0))
    square = (differences.sums**2).sum(axis=0)
    rest = square - observed**2 / count
    varies = (rest > 1e-12 * square) & (observed > 0)
    t = observed[varies] * np.sqrt((count - 1) / (count * rest[varies] * effect[varies]))
    t = -stdtrit(count - 1, stdtr((differences.units or count) - 1, -t))
    found = np.array(observed, dtype=np.float64)
    with np.errstate(divide="ignore"):  # t is 0 where one entity alone tells nothing: then every sum is as far out
        found[varies] = np.sqrt(count * square[varies] / (1 + (count - 1) / t**2))
    return found


def _signs(count: int, draws: int | None, seed: int) -> Iterator[Floats]:
    """Blocks of rows of `count` signs: `draws` random ones, or every pattern that begins with plus.

    Its opposite has the same absolute sums.
    """
    rng = np.random.default_rng(seed)
    total = 2 ** (count - 1) if draws is None else draws
    for place in range(0, total, _DRAWS):
        size = min(_DRAWS, total - place)
        if draws is None:
            bits = 2 * np.arange(place, place + size)[:, None] >> np.arange(count) & 1
        else:
            bits = rng.integers(0, 2, size=(size, count))
        yield np.asarray(1.0 - 2.0 * bits, dtype=np.float64)
