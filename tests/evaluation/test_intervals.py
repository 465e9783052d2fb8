"""Intervals against the equations and the libraries they come from. Their coverage is in test_coverage."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from fieldguide.evaluation.statistics import intervals
from fieldguide.evaluation.statistics.clusters import Clusters, clusters
from fieldguide.evaluation.statistics.intervals import bounded_interval, mean_interval, variance

shares = st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), min_size=2, max_size=12)


def one_column(values: list[float]) -> Clusters:
    return Clusters(np.array(values)[:, None], np.ones(len(values)))


@given(shares, st.sampled_from([0.5, 0.9, 0.99]))
def test_of_independent_topics_the_mean_has_students_interval(values: list[float], confidence: float) -> None:
    low, high = mean_interval(one_column(values), confidence)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    half = t.ppf((1 + confidence) / 2, len(values) - 1) * error
    assert [low[0], high[0]] == pytest.approx([np.mean(values) - half, np.mean(values) + half])


@given(shares, st.sampled_from([0.5, 0.9, 0.99]))
@example([1.0] * 7, 0.99)
def test_an_interval_of_shares_holds_the_mean_and_ends_at_0_and_1(values: list[float], confidence: float) -> None:
    low, high = bounded_interval(one_column(values), confidence)
    assert 0 <= low[0] <= np.mean(values) + 1e-12
    assert np.mean(values) - 1e-12 <= high[0] <= 1
    wider = bounded_interval(one_column(values), (1 + confidence) / 2)
    assert wider[0][0] <= low[0]
    assert high[0] <= wider[1][0]
    mirrored = bounded_interval(one_column([1 - value for value in values]), confidence)
    assert [mirrored[0][0], mirrored[1][0]] == pytest.approx([1 - high[0], 1 - low[0]])


@given(shares.filter(lambda values: 0 < np.mean(values) < 1))
def test_its_ends_are_as_far_from_the_mean_as_their_own_variance_allows(values: list[float]) -> None:
    """Wilson: (m - p)^2 = t^2 p (1 - p) / n, n the effective number of units."""
    data = one_column(values)
    low, high = bounded_interval(data, 0.9)
    mean, units = np.mean(values), len(values)
    per_unit = (units - 1) * variance(data)[0] * units + 3 * mean * (1 - mean)
    effective = mean * (1 - mean) * units * (units + 2) / per_unit
    for end in (low[0], high[0]):
        bound = t.ppf(0.95, units - 1) ** 2 * end * (1 - end) / effective
        assert (mean - end) ** 2 == pytest.approx(bound, abs=1e-12)


def test_without_what_is_added_it_is_the_librarys_of_so_many_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "_MORE", 0)
    monkeypatch.setattr(intervals, "_quantile", lambda data, confidence: 1.959963984540054)
    # 0 or 1 in 100,001 topics: as far as the library counts, their variance is m (1 - m) / 100,000
    values = [1.0] * 90_000 + [0.0] * 10_001
    found = bounded_interval(one_column(values), 0.95)
    wanted = binomtest(89_999, 100_000).proportion_ci(method="wilson")
    assert [found[0][0], found[1][0]] == pytest.approx([wanted.low, wanted.high], abs=1e-5)


def test_values_that_are_all_the_same_are_sure_only_between_the_ends() -> None:
    assert bounded_interval(one_column([1.0] * 14), 0.95)[0][0] == pytest.approx(0.75, abs=0.01)
    low, high = mean_interval(one_column([0.5] * 14), 0.95)
    assert low[0] == high[0] == 0.5


def test_one_topic_says_nothing_of_topics() -> None:
    data = clusters(np.array([[0.2], [0.8]]), np.array([0, 0]))
    assert [end[0] for end in mean_interval(data, 0.95)] == [-np.inf, np.inf]
    assert [end[0] for end in bounded_interval(data, 0.95)] == [0, 1]


def test_subtopics_of_a_topic_move_together() -> None:
    """The same values in ten topics, or in two of five equal subtopics: fewer topics, a wider interval."""
    values = np.array([[0.2]] * 5 + [[0.7]] * 5)
    topics = [np.arange(10), np.array([0] * 5 + [1] * 5)]
    for interval in (mean_interval, bounded_interval):
        apart, together = (np.subtract(*interval(clusters(values, labels), 0.95))[0] for labels in topics)
        assert together < 1.5 * apart < 0


def test_shared_entities_widen_the_interval_by_the_root_and_keep_the_mean() -> None:
    sums, sizes = np.arange(12.0)[:, None], np.ones(12)
    low, high = mean_interval(Clusters(sums, sizes), 0.9)
    wider = mean_interval(Clusters(sums, sizes, np.array([4.0]), 12), 0.9)
    assert wider[0][0] == pytest.approx(5.5 - 2 * (5.5 - low[0]))
    assert wider[1][0] == pytest.approx(5.5 + 2 * (high[0] - 5.5))
