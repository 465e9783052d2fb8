"""Unjudged images: bounds and turns against every labelling there is."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.evaluation.fitness.arrays import array_measure
from fieldguide.evaluation.fitness.board import Case
from fieldguide.evaluation.fitness.unjudged import bounds, condensed, least_difference, unjudged
from tests.evaluation.fitness.boards import board, case, images

POOL = images(7)
rankings = st.lists(st.sampled_from(POOL), unique=True)
labels = st.dictionaries(st.sampled_from(POOL), st.integers(0, 2), min_size=1)


def labellings(made: Case, top: int) -> list[np.ndarray]:
    hidden = np.flatnonzero(~made.judged)
    every = []
    for values in itertools.product((0, top), repeat=len(hidden)):
        grades = made.grades.copy()
        grades[hidden] = values
        every.append(grades)
    return every


@given(labels, rankings, rankings, st.sampled_from(["nDCG@3", "nDCG", "P@3", "R@3", "AP", "AP@2", "RR", "Success@2"]))
@settings(max_examples=300, deadline=None)
def test_bounds_are_those_of_all_labellings(judged: dict[str, int], a: list[str], b: list[str], name: str) -> None:
    measure, made = array_measure(name), case({"a": a, "b": b}, judged, POOL)
    every = made.values(measure, np.array(labellings(made, 2)))
    for row, ranking in enumerate(made.rankings.values()):
        assert bounds(made, measure, ranking, 2) == pytest.approx((every[row].min(), every[row].max()), abs=1e-12)
    if measure.linear is not None:
        least = least_difference(made, measure.linear, ("a", "b"), 2)
        assert least == pytest.approx((every[0] - every[1]).min(), abs=1e-12)


def test_a_condensed_list_is_the_ranking_without_what_nobody_judged() -> None:
    made = case({"a": ["x", "i1", "y", "i2"]}, {"i1": 1, "i2": 0}, ["x", "y"])
    assert condensed(made, array_measure("P@1"), made.rankings["a"]) == 1.0
    assert made.value(array_measure("P@1"), made.rankings["a"]) == 0.0


def test_an_order_that_unjudged_images_could_turn_is_told() -> None:
    made = board(case({"pooled": ["i1", "i2"], "late": ["x", "y"]}, {"i1": 1, "i2": 0}, ["x", "y"]))
    found = unjudged(made, array_measure("P@2"), {"pooled": 1.0, "late": 0.0})
    assert [(row.system, row.judged, row.low, row.high) for row in found.systems] == [
        ("pooled", 1.0, 0.5, 0.5), ("late", 0.0, 0.0, 1.0),
    ]  # fmt: skip
    assert [(turn.better, turn.worse, turn.difference, turn.low) for turn in found.turns] == [
        ("pooled", "late", 0.5, -0.5)
    ]
    assert found.exact
    assert found.bpref_tau == 1.0


@pytest.mark.parametrize("late", [["i2", "x"], ["i3", "i2"]])
def test_an_order_that_they_cannot_turn_is_not(late: list[str]) -> None:
    # x at rank 2 could at best tie P@2; with everything judged nothing is open
    made = board(case({"pooled": ["i1", "i3"], "late": late}, {"i1": 1, "i2": 0, "i3": 1}, ["x"]))
    assert unjudged(made, array_measure("P@2"), {"pooled": 1.0, "late": 0.0}).turns == ()


def test_an_unjudged_image_that_both_rank_alike_turns_nothing() -> None:
    # each one's own worst and best case overlap; one labelling for both leaves the difference as it is
    made = board(case({"a": ["x", "i1"], "b": ["x", "i2"]}, {"i1": 1, "i2": 0}))
    found = unjudged(made, array_measure("P@2"), {"a": 1.0, "b": 0.0})
    assert found.systems[0].low < found.systems[1].high + 1e-9
    assert found.turns == ()


def test_without_linear_form_the_answer_is_on_the_safe_side() -> None:
    made = board(case({"a": ["i1"], "b": ["x", "y"]}, {"i1": 1}))
    found = unjudged(made, array_measure("AP"), {"a": 1.0, "b": 0.0})
    assert not found.exact
    assert [(turn.better, turn.worse) for turn in found.turns] == [("a", "b")]
