"""Leaving a system out of the pools takes away what it alone brought in, and nothing else."""

import pandas as pd

from fieldguide.evaluation.fitness.arrays import array_measure
from fieldguide.evaluation.fitness.board import Board
from fieldguide.evaluation.fitness.reusability import Sources, reusability, sources
from tests.evaluation.fitness.boards import board, case

MEASURE = array_measure("P@2")


def small() -> Board:
    """`odd` finds two relevant images that nobody else ranks."""
    runs = {"odd": ["i1", "i2"], "one": ["i3", "i4"], "two": ["i3", "i5"]}
    return board(case(runs, {"i1": 1, "i2": 1, "i3": 1, "i4": 0, "i5": 0}))


def pool(**systems: list[str]) -> Sources:
    return {("t1.e1", image): frozenset(by) for image, by in systems.items()}


def test_a_system_that_alone_found_what_is_relevant_falls() -> None:
    brought = pool(i1=["odd"], i2=["odd"], i3=["one", "two"], i4=["one"], i5=["two"])
    odd, one, two = reusability(small(), MEASURE, brought, ("odd", "one", "two"), {})
    assert (odd.name, odd.lost, odd.lost_relevant) == ("odd", 2, 2)
    assert [(m.before, m.after, m.rank_before, m.rank_after) for m in odd.moved] == [(1.0, 0.0, 1, 3)]
    assert odd.others == 1
    assert odd.tau is not None
    assert odd.tau < 0
    assert (one.lost, one.lost_relevant, one.tau) == (1, 0, 1.0)
    assert two.moved[0].before == two.moved[0].after == 0.5


def test_what_another_brought_or_the_sample_drew_stays() -> None:
    brought = pool(i1=["odd", "one"], i2=[], i3=["one", "two"], i4=["one"], i5=["two"])
    odd = reusability(small(), MEASURE, brought, ("odd",), {})[0]
    assert (odd.lost, odd.moved[0].after, odd.tau) == (0, 1.0, 1.0)


def test_a_family_goes_as_a_whole() -> None:
    brought = pool(i1=["odd"], i2=["odd"], i3=["one", "two"], i4=["one"], i5=["two"])
    families = {"ones": ["one", "two"], "single": ["odd"], "unknown": ["x", "y"]}
    *_, family = reusability(small(), MEASURE, brought, ("odd", "one", "two"), families)
    assert (family.name, family.family, family.lost, family.lost_relevant) == ("ones", True, 3, 1)
    assert [m.system for m in family.moved] == ["one", "two"]


def test_a_board_where_all_ends_in_ties_has_no_tau() -> None:
    made = board(case({"a": ["i1"], "b": ["i2"]}, {"i1": 1, "i2": 0}))
    found = reusability(made, array_measure("P@1"), pool(i1=["a"], i2=["b"]), ("a", "b"), {})
    assert [left.tau for left in found] == [None, 1.0]


def test_the_pools_say_who_brought_an_image() -> None:
    rows = [("t1.e1", "i1", ["b", "a"], False), ("t1.e1", "i2", [], True), ("t1.e1", "i3", ["a"], True)]
    frame = pd.DataFrame(rows, columns=["subtopic_id", "image_id", "systems", "sampled"])
    assert sources(frame) == pool(i1=["a", "b"], i2=[], i3=[])
