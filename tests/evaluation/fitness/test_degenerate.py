"""Rankings without knowledge of the content score what theory says; those that score more are found."""

import math

import numpy as np
import pytest

from fieldguide.evaluation.fitness.arrays import array_measure
from fieldguide.evaluation.fitness.board import Board
from fieldguide.evaluation.fitness.degenerate import (
    Chance,
    Degenerate,
    Facts,
    chance,
    constant,
    degenerate,
    expectation,
    file_order,
    popularity,
    ranked,
    smallest_file,
    upside_down,
)  # fmt: skip
from tests.evaluation.fitness.boards import board, case, images

POOL = images(60)
MEASURE = array_measure("nDCG@10")
NOBODY = Facts({}, {}, {})


def questions(seed: int = 0, count: int = 20) -> Board:
    """A good system, and one that is random, over questions of the same pool."""
    rng = np.random.default_rng(seed)
    cases = []
    for number in range(count):
        relevant = set(rng.choice(POOL, 12, replace=False).tolist())
        grades = {image: int(image in relevant) for image in POOL}
        good = sorted(POOL, key=lambda image: (image not in relevant, image))
        runs = {"good": good, "blind": rng.permutation(POOL).tolist()}
        cases.append(case(runs, grades, POOL, f"t{number}.e1"))
    return board(*cases, track="rerank")


def ask(made: Board, facts: Facts = NOBODY, by_chance: frozenset[str] = frozenset()) -> Degenerate:
    return degenerate(made, MEASURE, facts, by_chance, 400, 0.95, 5)


@pytest.mark.parametrize("name", ["nDCG@10", "P@5", "R@20", "Success@1", "AP", "RR"])
@pytest.mark.parametrize("shared", [False, True])
def test_random_orders_score_what_theory_says(name: str, shared: bool) -> None:
    made, measure, draws = questions(count=3), array_measure(name), 4000
    drawn = chance(made, measure, draws, 0.95, 1, shared=shared)
    assert drawn.expected is not None
    error = (drawn.high - drawn.low) / 2 / 1.96 / math.sqrt(draws)
    assert abs(drawn.mean - drawn.expected) < 5 * error + 1e-9


def test_no_expectation_where_none_is_exact() -> None:
    short = board(case({"a": POOL[:5]}, {POOL[0]: 1}, POOL))
    assert expectation(short, MEASURE) is None  # a run that ends before the cutoff
    assert expectation(short, array_measure("P@5")) == pytest.approx(1 / 60)
    outside = board(case({"a": POOL[:10]}, {"elsewhere": 1}, POOL))
    assert expectation(outside, array_measure("P@5")) is None


def test_questions_about_the_same_images_share_their_luck() -> None:
    relevant = {image: int(n < 12) for n, image in enumerate(POOL)}
    made = board(*(case({"a": POOL}, relevant, POOL, f"t{n}.e1") for n in range(20)))
    alone, shared = (chance(made, MEASURE, 400, 0.95, 1, shared=s) for s in (False, True))
    assert shared.high - shared.low > 3 * (alone.high - alone.low)


def test_a_system_within_the_random_interval_is_flagged_and_a_good_one_is_not() -> None:
    verdicts = {row.system: (row.verdict, row.expected) for row in ask(questions()).real}
    assert verdicts == {"good": ("above chance", True), "blind": ("as chance", False)}


def test_a_random_system_is_where_it_belongs() -> None:
    found = ask(questions(), by_chance=frozenset({"blind"}))
    assert {row.system: row.expected for row in found.real} == {"good": True, "blind": True}


def test_a_good_system_upside_down_lies_below_chance() -> None:
    reversed_one = ask(questions()).degenerate[-1]
    assert (reversed_one.system, reversed_one.verdict, reversed_one.expected) == (
        "good reversed", "below chance", True,
    )  # fmt: skip


def test_a_system_worse_than_its_own_reverse_is_flagged() -> None:
    cases = []
    for good in questions().cases:
        worst_first = [good.images[index] for index in good.rankings["good"]][::-1]
        grades = dict(zip(good.images, good.grades.tolist(), strict=True))
        cases.append(case({"bad": worst_first}, grades, POOL, good.subtopic_id))
    found = ask(board(*cases))
    assert (found.degenerate[-1].system, found.degenerate[-1].expected) == ("bad reversed", False)
    assert (found.real[0].verdict, found.real[0].expected) == ("below chance", False)


def leaking(half: bool) -> tuple[Board, Facts]:
    """The same images are relevant to every question, and they are the small files, or half of the small ones."""
    relevant = set(POOL[:24:2] if half else POOL[:30])
    grades = {image: int(image in relevant) for image in POOL}
    made = board(*(case({"a": POOL[30:] + POOL[:30]}, grades, POOL, f"t{n}.e1") for n in range(10)))
    order = POOL if not half else np.random.default_rng(3).permutation(POOL).tolist()
    return made, Facts({}, {image: 100 + place for place, image in enumerate(order)}, {})


def test_relevance_that_goes_with_the_size_of_files_is_found() -> None:
    verdicts = {row.system: (row.verdict, row.expected) for row in ask(*leaking(half=False)).degenerate}
    assert verdicts["smallest-file"] == ("above chance", False)
    verdicts = {row.system: (row.verdict, row.expected) for row in ask(*leaking(half=True)).degenerate}
    assert verdicts["smallest-file"] == ("as chance", True)


def test_relevance_that_goes_with_the_order_of_files_is_found_both_ways() -> None:
    made, facts = leaking(half=False)
    for order, verdict in ((POOL, "above chance"), (POOL[::-1], "below chance")):
        found = ask(made, Facts({image: place for place, image in enumerate(order)}, facts.size, {}))
        row = next(row for row in found.degenerate if row.system == "file-order")
        assert (row.verdict, row.expected) == (verdict, False)


def test_what_is_popular_may_lie_below_chance_but_not_above() -> None:
    made, _ = leaking(half=False)
    for popular, expected in ((POOL[:12], False), (POOL[40:], True)):
        found = ask(made, Facts({}, {}, {image: {"t99", "t98"} for image in popular}))
        row = next(row for row in found.degenerate if row.system == "popularity")
        assert row.expected == expected


def test_the_rankers_do_as_they_say() -> None:
    facts = Facts({"a": 2, "b": 0}, {"a": 10, "b": 30}, {"a": {"t1", "t2"}, "b": {"t1"}})
    shown = ["a", "b", "c"]
    assert constant(shown, "t1", facts).tolist() == [0, 0, 0]
    assert file_order(shown, "t1", facts).tolist() == [-2, 0, -2]
    assert smallest_file(shown, "t1", facts).tolist() == [-10, -30, -math.inf]
    assert popularity(shown, "t1", facts).tolist() == [1, 0, 0]  # the topic's own pool does not count
    assert popularity(shown, "t9", facts).tolist() == [2, 1, 0]


def test_ties_are_ordered_and_rankings_cut_off_as_in_a_run() -> None:
    made = case({"s": ["b", "a"]}, {"a": 1}, ["a", "b", "c"])
    assert [made.images[i] for i in ranked(made, constant, NOBODY)] == ["c", "b"]
    assert [made.images[i] for i in upside_down(made, "s")] == ["c", "a"]


def test_the_ends_of_the_interval_are_chance() -> None:
    drawn = Chance(0.2, 0.1, 0.3, None)
    verdicts = [drawn.verdict(score) for score in (0.09, 0.1, 0.3, 0.31)]
    assert verdicts == ["below chance", "as chance", "as chance", "above chance"]
