"""The randomisation test against exact enumeration."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.evaluation.statistics import resampling as statistics
from fieldguide.evaluation.statistics.clusters import Clusters, clusters
from fieldguide.evaluation.statistics.resampling import randomisation_test

columns = st.lists(st.sampled_from([-0.5, -0.1, 0.0, 0.1, 0.3]), min_size=1, max_size=7)


def one_column(values: list[float], sizes: list[int] | None = None) -> Clusters:
    return Clusters(np.array(values)[:, None], np.array(sizes or [1] * len(values), dtype=float))


def test_clusters_are_sums_by_topic() -> None:
    data = clusters(np.array([[1.0, 0.0], [0.5, 1.0], [0.0, 1.0]]), np.array([0, 0, 1]))
    assert data.sums.tolist() == [[1.5, 1.0], [0.0, 1.0]]
    assert data.sizes.tolist() == [2.0, 1.0]
    assert data.mean.tolist() == [0.5, pytest.approx(2 / 3)]


@given(columns)
@settings(deadline=None)
def test_few_topics_give_the_exact_p(values: list[float]) -> None:
    sums = [
        abs(sum(s * v for s, v in zip(signs, values, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(values))
    ]
    exact = np.mean([s >= abs(sum(values)) - 1e-9 for s in sums])
    assert randomisation_test(one_column(values), draws=1000, seed=0)[0] == exact


@given(columns.filter(lambda v: len(v) > 3))
@settings(deadline=None, max_examples=20)
def test_drawn_signs_come_near_the_exact_p_and_never_to_zero(values: list[float]) -> None:
    copies = np.array(values * 2)
    patterns = np.array(list(itertools.product((1, -1), repeat=len(copies))))
    exact = np.mean(np.abs(patterns @ copies) >= abs(copies.sum()) - 1e-9)
    draws = 255
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "_EXACT", 3)
        drawn = randomisation_test(one_column(list(copies)), draws, seed=1)[0]
    assert 1 / (draws + 1) <= drawn <= 1
    assert drawn == pytest.approx(exact, abs=5 * np.sqrt(0.25 / draws) + 1 / draws)


def test_p_counts_the_observed_pattern_itself() -> None:
    # thirty topics all in favour: only the observed signs and their mirror reach as far, no draw does
    assert randomisation_test(one_column([0.1] * 30), draws=999, seed=3)[0] == 1 / 1000
    assert randomisation_test(one_column([0.1] * 20), draws=999, seed=3)[0] == 2 / 2**20


def test_no_difference_has_p_one() -> None:
    assert randomisation_test(one_column([0.0] * 30), draws=100, seed=0)[0] == 1.0


def test_a_topic_turns_as_a_whole() -> None:
    # two topics, one of them with many subtopics: four patterns are all there is
    data = clusters(np.full((50, 1), 0.2), np.array([0] * 49 + [1]))
    assert randomisation_test(data, draws=10_000, seed=0)[0] == 0.5


def test_blocks_of_draws_and_columns_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    data = clusters(rng.random((60, 5)) - 0.4, np.repeat(np.arange(20), 3), rng.integers(0, 9, 60))
    whole = randomisation_test(data, 300, 4)
    monkeypatch.setattr(statistics, "_DRAWS", 7)
    monkeypatch.setattr(statistics, "_COLUMNS", 2)
    assert np.allclose(whole, randomisation_test(data, 300, 4), rtol=0, atol=1e-12)
