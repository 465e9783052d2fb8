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

from fieldguide.evaluation.fitness.arrays import ArrayMeasure, Floats
from fieldguide.evaluation.fitness.board import Board, Case, kendall_tau, ranks

Sources = Mapping[tuple[str, str], frozenset[str]]
"""By (subtopic_id, image_id): the systems that brought the image into the pool; none for a sampled one."""
Finders = list[tuple[int, frozenset[str]]]


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
    found = [_finders(case, brought) for case in board.cases]
    before = board.values(measure)
    return tuple(_leave_out(board, measure, found, group, before) for group in groups)


def _leave_out(
    board: Board,
    measure: ArrayMeasure,
    found: Sequence[Finders],
    group: tuple[str, bool, frozenset[str]],
    values: Floats,
) -> LeftOut:
    name, family, members = group
    after = values.copy(order="K")  # means are sums, and sums are the same in the same order alone
    lost_in_all, lost_relevant = 0, 0
    for place, (case, finders) in enumerate(zip(board.cases, found, strict=True)):
        lost = [image for image, systems in finders if systems <= members]
        if lost:
            grades = case.grades.copy()
            grades[lost] = 0
            after[:, place] = case.values(measure, grades)
            lost_in_all += len(lost)
            lost_relevant += int((case.grades[lost] > 0).sum())
    before, then = board.named_means(values), board.named_means(after)
    old, new = ranks(before), ranks(then)
    return LeftOut(
        name,
        family,
        lost_in_all,
        lost_relevant,
        tuple(Moved(s, before[s], then[s], old[s], new[s]) for s in board.systems if s in members),
        max((abs(new[s] - old[s]) for s in board.systems if s not in members), default=0),
        kendall_tau(before, then),
    )


def _finders(case: Case, brought: Sources) -> Finders:
    """Judged images of the case, as places in `Case.images`, and the systems that brought each in."""
    found = [(place, brought.get((case.subtopic_id, case.images[place]))) for place in np.flatnonzero(case.judged)]
    return [(int(place), systems) for place, systems in found if systems]
