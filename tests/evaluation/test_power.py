"""Power of the paired t-test against published values, simulation and its own inverse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from fieldguide.evaluation.statistics.power import Design, detectable, paired_power, topics_needed


@pytest.mark.parametrize(("d", "needed"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_topics_needed_are_those_of_the_tables(d: float, needed: int) -> None:
    """Small, medium and large effects at alpha .05, power .8 (Cohen 1988; G*Power 3 gives the same)."""
    assert topics_needed(d, 0.05, 0.8) == needed
    assert topics_needed(-d, 0.05, 0.8) == needed


def test_power_is_the_share_of_tests_that_reject() -> None:
    draws = np.random.default_rng(0).normal(0.5, 1.0, size=(20, 20_000))
    share = (ttest_1samp(draws, 0).pvalue <= 0.05).mean()
    assert paired_power(0.5, 20, 0.05) == pytest.approx(share, abs=0.015)


def test_power_without_an_effect_is_alpha() -> None:
    assert paired_power(0.0, 14, 0.05) == pytest.approx(0.05)


@given(st.floats(0.02, 30), st.sampled_from([0.01, 0.05]), st.sampled_from([0.6, 0.8, 0.95]))
@settings(deadline=None, max_examples=60)
def test_one_topic_less_is_too_few(d: float, alpha: float, power: float) -> None:
    needed = topics_needed(d, alpha, power)
    assert needed is not None
    assert paired_power(d, needed, alpha) >= power
    assert needed == 2 or paired_power(d, needed - 1, alpha) < power


@given(st.integers(2, 2000), st.floats(1, 20), st.floats(0.1, 1))
@settings(deadline=None, max_examples=60)
def test_the_least_effect_has_the_wanted_power(topics: int, effect: float, units: float) -> None:
    design = Design(effect, units)
    least = detectable(topics, 0.05, 0.8, design)
    assert (least is None) == (topics * units < 2)
    if least is not None:
        assert paired_power(least, topics, 0.05, design) == pytest.approx(0.8, abs=1e-6)


def test_shared_entities_ask_for_more_topics() -> None:
    alone = topics_needed(0.5, 0.05, 0.8)
    shared = topics_needed(0.5, 0.05, 0.8, Design(effect=4.0))
    assert alone is not None
    assert shared is not None
    assert 3.5 * alone < shared < 4.0 * alone


def test_no_difference_is_seen_by_no_number_of_topics() -> None:
    assert topics_needed(0.0, 0.05, 0.8) is None
    assert detectable(1, 0.05, 0.8) is None
