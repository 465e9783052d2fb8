"""What pools would have missed, where a label judged every image of the gallery.

Where people judge, nobody knows what the pools lack but by estimate (`unseen_relevant`, Chao 1984). A data set's labels
know it: the scores with the judgments of pooled images alone, beside those with all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fieldguide.evaluation.fitness.arrays import ArrayMeasure
from fieldguide.evaluation.fitness.board import Board, kendall_tau


@dataclass(frozen=True)
class PooledScore:
    """One system: its score with all judgments, and with those of pooled images alone."""

    system: str
    score: float
    pooled: float


@dataclass(frozen=True)
class PoolingLoss:
    """What one board would be with the judgments of pooled images alone.

    Attributes:
        relevant: relevant images over all subtopics; `missed`: those of them that are in no pool.
        systems: best score first.
        tau: Kendall's tau of both orders; None where one of them is all ties.
    """

    relevant: int
    missed: int
    systems: tuple[PooledScore, ...]
    tau: float | None


def pooling_loss(board: Board, measure: ArrayMeasure, pooled: Collection[tuple[str, str]]) -> PoolingLoss:
    """Answer for one board.

    Args:
        board: judged by labels, the whole gallery.
        measure: what to compute.
        pooled: (subtopic_id, image_id) of every pooled image.
    """
    values, relevant, missed = board.values(measure), 0, 0
    after = values.copy(order="K")
    for place, case in enumerate(board.cases):
        outside = [n for n in case.grades.nonzero()[0] if (case.subtopic_id, case.images[n]) not in pooled]
        relevant += int((case.grades > 0).sum())
        missed += int((case.grades[outside] > 0).sum())
        if outside:
            grades = case.grades.copy()
            grades[outside] = 0
            after[:, place] = case.values(measure, grades)
    before, then = board.named_means(values), board.named_means(after)
    rows = sorted((PooledScore(s, before[s], then[s]) for s in board.systems), key=lambda row: (-row.score, row.system))
    return PoolingLoss(relevant, missed, tuple(rows), kendall_tau(before, then))
