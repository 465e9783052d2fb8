"""Boards in miniature, from names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fieldguide.evaluation.fitness.board import Board, Case, make_case


def case(
    rankings: Mapping[str, Sequence[str]],
    grades: Mapping[str, int],
    candidates: Sequence[str] = (),
    subtopic_id: str = "t1.e1",
) -> Case:
    return make_case(subtopic_id.rpartition(".")[0], subtopic_id, candidates, grades, rankings)


def board(*cases: Case, track: str = "fullrank") -> Board:
    return Board(track, "comparison", tuple(cases[0].rankings), cases)


def images(count: int) -> list[str]:
    return [f"i{n:03}" for n in range(count)]
