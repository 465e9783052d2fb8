"""Other assessors' answers: how many turn, and what that does to the top, against exact values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.evaluation.fitness.arrays import array_measure
from fieldguide.evaluation.fitness.board import Board
from fieldguide.evaluation.fitness.noise import generator, noise, rates, relabelled
from tests.evaluation.fitness.boards import board, case, images


def duel(grades: dict[str, int]) -> Board:
    return board(case({"a": ["i1", "i2"], "b": ["i2", "i1"]}, grades))


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0, 0.03))
def test_as_many_turn_as_two_assessors_disagree_about_and_none_is_lost(
    relevant: int, other: int, disagreement: float
) -> None:
    pool = images(relevant + other)
    made = board(case({"a": pool}, {image: int(n < relevant) for n, image in enumerate(pool)}))
    one, zero = rates(made, disagreement)
    assert relevant * one == pytest.approx(other * zero)  # as many turn one way as the other
    assert (relevant * one + other * zero) / len(pool) == pytest.approx(disagreement)


def test_rates_are_probabilities_and_one_kind_of_judgment_stays() -> None:
    assert rates(duel({"i1": 1, "i2": 0}), 0.9) == (0.9, 0.9)
    many = board(case({"a": images(10)}, {image: int(image == "i000") for image in images(10)}))
    assert rates(many, 0.5) == (1.0, pytest.approx(0.5 / 1.8))
    assert rates(duel({"i1": 1, "i2": 1}), 0.5) == (0.0, 0.0)


def test_grades_turn_at_their_rates_and_unjudged_images_stay() -> None:
    made = case({"a": ["i1"]}, {"i1": 2, "i2": 0}, ["x"])
    drawn = relabelled(made, (0.25, 0.1), 20_000, generator(1, "t1.e1"))
    assert set(np.unique(drawn[:, 0])) == {0, 2}
    assert (drawn[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.02)  # 6 standard errors
    assert (drawn[:, 1] == 1).mean() == pytest.approx(0.1, abs=0.02)
    assert not drawn[:, 2].any()


def test_the_top_changes_as_often_as_it_must() -> None:
    # P@1 is i1's grade for a and i2's for b: a loses the top only where both turn, which is 0.5 * 0.5
    found = noise(duel({"i1": 1, "i2": 0}), array_measure("P@1"), 0.5, True, 20_000, 7)
    assert found.top_changes == pytest.approx(0.25, abs=0.02)
    first = {row.system: row.first for row in found.systems}
    assert first == {"a": pytest.approx(0.75, abs=0.02), "b": pytest.approx(0.75, abs=0.02)}  # ties count for both


def test_a_wide_gap_is_not_turned_and_without_noise_nothing_is() -> None:
    pool = images(40)
    grades = {image: int(n < 20) for n, image in enumerate(pool)}
    cases = [case({"good": pool, "bad": pool[::-1]}, grades, subtopic_id=f"t{n}.e1") for n in range(5)]
    found = noise(board(*cases), array_measure("nDCG@10"), 0.1, False, 300, 7)
    assert (found.top_changes, found.tau_low, found.tau) == (0.0, 1.0, 1.0)
    good = found.systems[0]
    assert good.high < good.score  # wrong labels can only take from a perfect ranking
    still = noise(board(*cases), array_measure("nDCG@10"), 0.0, False, 10, 7)
    assert [(row.low, row.high) for row in still.systems] == [pytest.approx((1.0, 1.0)), (0.0, 0.0)]


def test_the_seed_decides_and_other_subtopics_do_not() -> None:
    made = case({"a": images(9)}, {image: n % 2 for n, image in enumerate(images(9))})
    first = relabelled(made, (0.3, 0.3), 50, generator(3, "t1.e1"))
    assert (first == relabelled(made, (0.3, 0.3), 50, generator(3, "t1.e1"))).all()
    assert (first != relabelled(made, (0.3, 0.3), 50, generator(4, "t1.e1"))).any()
    assert (first != relabelled(made, (0.3, 0.3), 50, generator(3, "t1.e2"))).any()


def test_an_order_of_ties_has_no_tau() -> None:
    found = noise(duel({"i1": 1, "i2": 1}), array_measure("P@1"), 0.5, False, 20, 7)
    assert (found.tau_low, found.tau, found.tau_high) == (None, None, None)
