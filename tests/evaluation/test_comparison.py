"""Comparisons of systems against numbers worked out by hand and against scipy."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from fieldguide.evaluation.section import Evaluate
from fieldguide.evaluation.statistics.clusters import Clusters
from fieldguide.evaluation.statistics.comparison import compare, false_discovery, pairs, signed_ranks
from fieldguide.evaluation.statistics.resampling import randomisation_test

SETTINGS = Evaluate(measures=["AP"], headline="AP", baseline="text", permutations=1000, seed=0)


def signed_rank_p(values: list[float]) -> float:
    column = signed_ranks(np.array(values)[:, None])
    return float(randomisation_test(Clusters(column, np.ones(len(values))), 1024, 0)[0])


def test_one_comparison_by_hand() -> None:
    """Five topics with mean differences .1, .2, .3, 0, -.1; the first has two subtopics."""
    differences = np.array([[0.0], [0.2], [0.2], [0.3], [0.0], [-0.1]])
    found = compare(differences, np.array([0, 0, 1, 2, 3, 4]), None, SETTINGS)[0]
    assert found.difference == pytest.approx(0.6 / 6)
    assert (found.wins, found.ties, found.losses) == (3, 1, 1)
    assert found.d == pytest.approx(0.1 / np.std([0.1, 0.2, 0.3, 0.0, -0.1], ddof=1))
    # sums .2 .2 .3 0 -.1 reach .6 with 6 of 32 sign patterns (all alike, the least turned), and as many with -.6
    sums = [0.2, 0.2, 0.3, 0.0, -0.1]
    reach = [abs(np.dot(signs, sums)) >= 0.6 - 1e-9 for signs in itertools.product((1, -1), repeat=5)]
    assert found.p == found.q == np.mean(reach)
    assert found.design_effect == 1.0
    assert found.low <= found.difference <= found.high


def test_false_discovery_by_hand() -> None:
    """Benjamini and Hochberg 1995: p * m / rank, made monotone from the greatest down."""
    assert false_discovery(np.array([0.01, 0.04, 0.03, 0.5])).tolist() == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert false_discovery(np.array([])).tolist() == []


def test_q_is_corrected_over_all_columns() -> None:
    values = np.random.default_rng(0).normal([0.3, 0.0, 0.6], 1.0, size=(12, 3)) / 10
    together = compare(values, np.arange(12), None, SETTINGS)
    assert [c.q for c in together] == pytest.approx(false_discovery(np.array([c.p for c in together])).tolist())
    assert [c.p for c in together] == [compare(values[:, [n]], np.arange(12), None, SETTINGS)[0].p for n in range(3)]


@given(st.lists(st.integers(-30, 30).filter(bool), min_size=1, max_size=9, unique_by=abs))
@settings(deadline=None)
def test_signed_ranks_give_wilcoxons_exact_p(values: list[int]) -> None:
    assert signed_rank_p([float(v) for v in values]) == pytest.approx(wilcoxon(values, method="exact").pvalue)


def test_signed_ranks_with_ties_and_zeros() -> None:
    ranks = signed_ranks(np.array([[0.0], [0.2], [-0.2], [0.5], [0.1]]))
    assert ranks[:, 0].tolist() == [0.0, 2.5, -2.5, 4.0, 1.0]
    # all patterns of 1, 2.5, 2.5, 4: a sum of at least 5 comes up in 6 of 16 ways, or its negative
    every = [abs(np.dot(s, [1, 2.5, 2.5, 4])) >= 5 for s in itertools.product((1, -1), repeat=4)]
    assert signed_rank_p([0.0, 0.2, -0.2, 0.5, 0.1]) == np.mean(every)


def test_many_topics_come_near_scipys_normal_approximation() -> None:
    values = np.round(np.random.default_rng(1).normal(0.3, 1.0, size=(80, 1)), 1)
    drawn = compare(values / 10, np.arange(80), None, SETTINGS.model_copy(update={"permutations": 20_000}))[0]
    assert drawn.wilcoxon_p == pytest.approx(wilcoxon(values[:, 0], method="asymptotic").pvalue, abs=0.01)


def test_no_difference_at_all() -> None:
    found = compare(np.zeros((6, 1)), np.arange(6), None, SETTINGS)[0]
    assert (found.p, found.wilcoxon_p, found.ties) == (1.0, 1.0, 6)
    assert (found.d, found.topics_needed, found.detectable) == (None, None, None)


def test_the_same_difference_everywhere_has_no_effect_size() -> None:
    """Its standard deviation is nothing: no d, rather than one that is infinite or made of rounding."""
    found = compare(np.full((6, 1), 0.1), np.arange(6), None, SETTINGS)[0]
    assert found.p == 2 / 64
    assert (found.d, found.topics_needed) == (None, None)


def test_pairs_come_once_and_the_baseline_is_subtracted() -> None:
    assert pairs(["random", "text", "visret"], "text") == [("random", "text"), ("visret", "text"), ("visret", "random")]
    assert pairs(["a", "b"], "elsewhere") == [("b", "a")]
    assert pairs(["a"], "a") == []
