"""Values of topics that share entities: what moves together, and how much that matters.

The subtopics of one topic share its question and often its images, so they are no independent observations. Topics are;
the value that everything is about is the mean over subtopics.

Topics that share an entity are not independent either: an entity that is hard is hard in all of them. How much that
matters is the design effect, the variance of the mean with clusters of topics and of entities over the variance with
clusters of topics alone:

    effect = max(1, (V_topic + V_entity - V_both) / V_topic)
    V = G / (G - 1) * sum over the G clusters of (sum of residuals)^2

Where no entity is in two topics it is 1. Two-way variance: Cameron, Gelbach and Miller, Robust inference with multiway
clustering, Journal of Business & Economic Statistics 29(2), 2011.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]


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


def sharing(values: Floats, members: Sequence[Iterable[int]]) -> Clusters:
    """(topics, m) values, one a topic, of topics that share entities.

    The design effect counts, beside each topic's own square, the products of all pairs of topics that share an entity:
    Aronow, Samii and Assenova, Cluster-robust variance estimation for dyadic data, Political Analysis 23(4), 2015.

    Args:
        values: a row each topic.
        members: numbers of each topic's entities, from 0.
    """
    from scipy import sparse

    sizes, sets = np.ones(len(values)), [sorted(set(own)) for own in members]
    columns = np.asarray([entity for own in sets for entity in own], dtype=np.intp)
    rows = np.repeat(np.arange(len(sets)), [len(own) for own in sets])
    if len(values) < 2 or len(columns) == len(np.unique(columns)):
        return Clusters(values, sizes)
    count = int(columns.max()) + 1
    member = sparse.csr_array((np.ones(len(columns)), (rows, columns)), shape=(len(sets), count))
    linked = (member @ member.T).sign()
    residuals = values - values.mean(axis=0)
    own, total = (residuals**2).sum(axis=0), (residuals * (linked @ residuals)).sum(axis=0)
    ratio = np.divide(total, own, out=np.ones_like(own), where=own > 1e-20 * len(values))
    return Clusters(values, sizes, np.maximum(1.0, ratio), min(len(values), len(np.unique(columns))))


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
