"""Would a system that did not help to build the pools be ranked fairly?

Each system, and each family of systems, is left out of the pools in turn: the qrels then lack what it alone
brought in, and everything is scored anew. Zobel, SIGIR 1998; Büttcher et al., SIGIR 2007; families, as TREC leaves
out all runs of one group: Voorhees, CLEF 2001. Images of the random sample stay: no system brought them.

It is asked of the whole gallery only. Where a system ranks the subtopic's own pool, whoever comes later ranks the
same judged images, and nothing is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fieldguide.evaluation.fitness.arrays import ArrayMeasure
from fieldguide.evaluation.fitness.board import Board, Booleans, Case, kendall_tau, ranks

Sources = Mapping[tuple[str, str], frozenset[str]]
"""By (subtopic_id, image_id): the systems that brought the image into the pool; none for a sampled one."""


@dataclass(frozen=True)
class Moved:
    """One system's score and rank before and after."""

    system: str
    before: float
    after: float
    rank_before: int
    rank_after: int


@dataclass(frozen=True)
class LeftOut:
    """What happens when a system, or a family of systems, is left out of the pools.

    Attributes:
        name: of the system or the family.
        lost: judgments that only it brought in; `lost_relevant`: of them with a grade above 0.
        moved: the systems that were left out.
        others: greatest change of rank among all other systems.
        tau: Kendall's tau of the whole order before and after; None where one of them is all ties.
    """

    name: str
    family: bool
    lost: int
    lost_relevant: int
    moved: tuple[Moved, ...]
    others: int
    tau: float | None


def sources(pools: pd.DataFrame) -> Sources:
    """What records.POOLS says of who brought an image in."""
    columns = (pools["subtopic_id"], pools["image_id"], pools["systems"], pools["sampled"])
    return {
        (str(subtopic), str(image)): frozenset() if sampled else frozenset(map(str, systems))
        for subtopic, image, systems, sampled in zip(*columns, strict=True)
    }


def reusability(
    board: Board, measure: ArrayMeasure, brought: Sources, pooled: Sequence[str], families: Mapping[str, Sequence[str]]
) -> tuple[LeftOut, ...]:
    """Leave out each of the `pooled` systems, then each family that has more than one of them."""
    inside = [system for system in pooled if system in board.systems]
    groups = [(system, False, frozenset([system])) for system in inside]
    for name, members in families.items():
        together = frozenset(members).intersection(inside)
        if len(together) > 1:
            groups.append((name, True, together))
    before = board.means(measure)
    return tuple(_leave_out(board, measure, brought, group, before) for group in groups)


def _leave_out(
    board: Board,
    measure: ArrayMeasure,
    brought: Sources,
    group: tuple[str, bool, frozenset[str]],
    before: Mapping[str, float],
) -> LeftOut:
    name, family, members = group
    flags = [_only_from(case, brought, members) for case in board.cases]
    cases = tuple(case.without(lost) for case, lost in zip(board.cases, flags, strict=True))
    after = Board(board.track, board.kind, board.systems, cases).means(measure)
    old, new = ranks(before), ranks(after)
    return LeftOut(
        name,
        family,
        sum(int(lost.sum()) for lost in flags),
        sum(int((case.grades[lost] > 0).sum()) for case, lost in zip(board.cases, flags, strict=True)),
        tuple(Moved(s, before[s], after[s], old[s], new[s]) for s in board.systems if s in members),
        max((abs(new[s] - old[s]) for s in board.systems if s not in members), default=0),
        kendall_tau(before, after),
    )


def _only_from(case: Case, brought: Sources, members: frozenset[str]) -> Booleans:
    """(n,) which judged images of the case nobody but `members` brought in."""
    found = [brought.get((case.subtopic_id, image), frozenset()) for image in case.images]
    return case.judged & np.array([bool(systems) and systems <= members for systems in found], dtype=np.bool_)
