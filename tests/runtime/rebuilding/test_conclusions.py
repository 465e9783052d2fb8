"""Conclusions that hold and that do not, and distances within their bounds and beyond."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from fieldguide.runtime.rebuilding.conclusions import (
    BoardStanding,
    Conclusion,
    Conclusions,
    compare_conclusions,
    read_conclusions,
)
from fieldguide.runtime.rebuilding.figures import ranking_figure, sample_figures, score_figure
from fieldguide.runtime.rebuilding.samples import RANKINGS, SAMPLES

BOARD = {"best": (0.80, "a"), "near": (0.79, "a"), "poor": (0.20, "b")}


def concluded(board: dict[str, tuple[float, str | None]], **findings: int) -> Conclusions:
    rows = [BoardStanding("fullrank", "comparison", system, mean, group) for system, (mean, group) in board.items()]
    return Conclusions("nDCG@10", tuple(rows), findings or {"chance, corpus: ok": 1})


def failed(board: dict[str, tuple[float, str | None]], **findings: int) -> dict[str, str]:
    found: list[Conclusion] = compare_conclusions(concluded(BOARD), concluded(board, **findings))
    return {one.about: one.text for one in found if not one.holds}


def test_the_same_holds() -> None:
    assert failed(BOARD) == {}


def test_two_that_tie_may_change_places() -> None:
    assert failed(BOARD | {"near": (0.81, "a")}) == {}


def test_another_best_system_that_does_not_tie_is_told() -> None:
    told = failed(BOARD | {"best": (0.5, "c")})
    assert told["best system"] == "best -> near, which do not tie"
    assert "best and near" in told["tie groups"]


def test_a_reversal_is_told() -> None:
    assert failed(BOARD | {"poor": (0.99, "b")})["reversed"] == "best and poor; near and poor"


def test_pairs_that_are_no_longer_told_apart_are_counted() -> None:
    assert failed(BOARD | {"poor": (0.2, "ab")})["tie groups"].startswith("2 of 3 pairs")


def test_one_pair_in_a_hundred_may_change_beside_alpha() -> None:
    board = {f"s{n:02}": (1 - n / 100, chr(97 + n)) for n in range(20)}  # 190 pairs, all told apart
    held = compare_conclusions(concluded(board), concluded(board | {"s01": (0.99, "ab")}))
    assert all(one.holds for one in held)
    held = compare_conclusions(concluded(board), concluded(board | {"s01": (0.99, "abcdef")}))
    assert [one.about for one in held if not one.holds] == ["tie groups"]


def test_other_systems_and_other_findings_are_told() -> None:
    told = failed({"best": (0.8, "a"), "new": (0.1, "b")}, **{"chance, corpus: problem": 1})
    assert told["systems"] == "not here: near, poor; new: new"
    assert told["fitness"] == "chance, corpus: ok (1 -> 0); chance, corpus: problem (0 -> 1)"


def test_where_nobody_compared_all_pairs_no_pair_is_told_apart() -> None:
    rows = [
        {"track": "t", "kind": "k", "system": s, "mean": m, "group": None, "measure": "AP"}
        for s, m in (("a", 1.0), ("b", 0.5))
    ]
    one = read_conclusions(rows, {"findings": []}, "AP")
    assert all(line.holds for line in compare_conclusions(one, one))


def samples(values: list[Any], part: str = "vectors tiny", key: str = "k") -> pd.DataFrame:
    return SAMPLES.frame([{"part": part, "key": key, "values": values}])


@pytest.mark.parametrize(
    ("here", "near"),
    [
        ([0.5, 0.5], True),
        ([0.5, 0.5004], True),
        ([0.5, 0.51], False),
        ([0.5, float("nan")], False),
        ([0.5], False),
        ([0.5, None], False),
    ],
)
def test_the_greatest_difference_of_vectors(here: list[Any], near: bool) -> None:
    (figure,) = sample_figures(samples([0.5, 0.5]), samples(here))
    assert figure.near is near


def test_what_has_no_counterpart_is_not_near() -> None:
    (figure,) = sample_figures(samples([0.5]), samples([0.5], key="another"))
    assert (figure.missing, figure.near) == (1, False)


def rankings(**images: list[str]) -> pd.DataFrame:
    return RANKINGS.frame([{"system": s, "subtopic_id": "q", "images": list(found)} for s, found in images.items()])


def test_the_system_that_ranks_most_otherwise_is_named() -> None:
    old, same = rankings(a=list("abcdefghij"), b=list("abcdefghij")), list("abcdefghij")
    assert ranking_figure(old, rankings(a=same, b=same)).near
    figure = ranking_figure(old, rankings(a=same, b=same[::-1]))
    assert (figure.at, figure.near) == ("b", False)
    figure = ranking_figure(old, rankings(a=same))
    assert (figure.missing, figure.near) == (1, False)


def test_what_has_nothing_to_compare_is_not_the_same() -> None:
    nothing = RANKINGS.frame([])
    assert not ranking_figure(nothing, nothing).near
    empty = Conclusions("nDCG@10", (), {})
    assert not score_figure(empty, empty).near
    assert [one.holds for one in compare_conclusions(empty, empty)] == [False]


def test_the_score_that_moved_most() -> None:
    moved: dict[str, Any] = BOARD | {"poor": (0.26, "b")}
    figure = score_figure(concluded(BOARD), concluded(moved))
    assert (round(figure.value, 6), figure.near, figure.at) == (0.06, False, "fullrank, comparison, poor")
