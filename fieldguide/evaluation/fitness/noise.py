"""How far wrong labels could turn the order of systems.

As in Voorhees, IP&M 36(5), 2000, other assessors' answers take the place of the judgments, and the order of systems
is compared with the published one. Here the other assessors are drawn: two exchangeable assessors disagree about a
share d of the images, so half of their disagreements are relevant images that the other calls not relevant, and
half the reverse. With a share p of relevant judgments a relevant one turns with probability d / 2p, any other with
d / 2(1 - p). The number of relevant images stays as it is on average; turning all judgments at one rate would
instead drown few relevant images in wrong ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from fieldguide.evaluation.fitness.arrays import ArrayMeasure, Grades
from fieldguide.evaluation.fitness.board import Board, Case, kendall_taus, ranks

_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Shaken:
    """One system: share of the draws in which it is first (ties count for each), and 90 % of its scores."""

    system: str
    score: float
    first: float
    low: float
    high: float


@dataclass(frozen=True)
class Noise:
    """How the order of one board's systems changes under other assessors' judgments.

    Attributes:
        disagreement: share of judgments on which two assessors differ.
        measured: it is from agreement.json; otherwise from params.yaml.
        relevant_turn, other_turn: probability that a judgment with a grade above 0, and one with grade 0, turns.
        top_changes: share of the draws in which the published best system is not first, alone or with others.
        tau_low, tau, tau_high: 5 %, 50 % and 95 % quantile of Kendall's tau with the published order; None where no
            draw has one.
    """

    disagreement: float
    measured: bool
    relevant_turn: float
    other_turn: float
    draws: int
    top_changes: float
    tau_low: float | None
    tau: float | None
    tau_high: float | None
    systems: tuple[Shaken, ...]


def rates(board: Board, disagreement: float) -> tuple[float, float]:
    """Probabilities that a relevant and that another judgment turns; at most 1 each.

    Where a board has judgments of one kind only, exchangeable assessors would not disagree: nothing turns.
    """
    relevant = sum(int((case.grades > 0).sum()) for case in board.cases)
    share = relevant / max(1, sum(int(case.judged.sum()) for case in board.cases))
    if share in (0.0, 1.0):
        return 0.0, 0.0
    return min(1.0, disagreement / (2 * share)), min(1.0, disagreement / (2 * (1 - share)))


def noise(board: Board, measure: ArrayMeasure, disagreement: float, measured: bool, draws: int, seed: int) -> Noise:
    """Draw other assessors `draws` times; a subtopic's draws do not depend on what other subtopics there are."""
    turning = rates(board, disagreement)
    means = np.zeros((len(board.systems), draws))
    for case in board.cases:
        grades = relabelled(case, turning, draws, generator(seed, case.subtopic_id))
        means += case.values(measure, grades)
    means /= len(board.cases)
    published = board.means(measure)
    taus = kendall_taus(np.array(list(published.values())), means.round(12))
    taus = taus[~np.isnan(taus)]
    first = means >= means.max(axis=0) - 1e-12
    best = [board.systems.index(name) for name, rank in ranks(published).items() if rank == 1]
    tau_low, tau, tau_high = (
        (float(value) for value in np.quantile(taus, _QUANTILES)) if len(taus) else (None, None, None)
    )
    low, high = np.quantile(means, (_QUANTILES[0], _QUANTILES[-1]), axis=1)
    rows = [
        Shaken(name, published[name], float(first[i].mean()), float(low[i]), float(high[i]))
        for i, name in enumerate(board.systems)
    ]
    rows.sort(key=lambda row: (-row.score, row.system))
    changes = 1.0 - float(first[best].any(axis=0).mean())
    return Noise(disagreement, measured, *turning, draws, changes, tau_low, tau, tau_high, tuple(rows))


def relabelled(case: Case, turning: tuple[float, float], draws: int, rng: np.random.Generator) -> Grades:
    """(draws, n) grades: a turned relevant image has grade 0, any other turned one grade 1; unjudged stays 0."""
    relevant = case.grades > 0
    chance = np.where(relevant, turning[0], turning[1]) * case.judged
    turned = rng.random((draws, len(case.images))) < chance
    return np.where(turned, np.where(relevant, 0, 1), case.grades)


def generator(seed: int, *names: str) -> np.random.Generator:
    """A generator for one subtopic, so that a topic more or less changes no other topic's draws."""
    digest = hashlib.sha256(" ".join([str(seed), *names]).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
