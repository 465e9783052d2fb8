"""The randomisation test over topics, for topics that share entities.

A permutation turns the sign of a whole topic, its subtopics move together. Where topics share entities, a tested
difference counts as smaller by the root of the design effect (see `clusters`): docs/decisions/0011.

Paired randomisation test: Smucker, Allan and Carterette, CIKM 2007. Its p with +1 in numerator and denominator: Phipson
and Smyth, Statistical Applications in Genetics and Molecular Biology 9(1), 2010. Dividing a test's statistic by the
design effect: Rao and Scott, JASA 76, 1981.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fieldguide.evaluation.statistics.clusters import Clusters, Floats

# Sign patterns and columns at once: a few megabytes, however many there are of either.
_DRAWS = 512
_EXACT = 20  # topics: a million sign patterns, which take less time than they are worth
_COLUMNS = 256


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
