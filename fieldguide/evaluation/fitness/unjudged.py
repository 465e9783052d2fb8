"""What the images without a judgment could change.

judged@k and bpref: Buckley and Voorhees, SIGIR 2004. Condensed lists: Sakai, SIGIR 2007. Bounds: the residual of
Moffat and Zobel, TOIS 27(1), 2008, carried over to every measure that does not fall when a relevant image moves up.
Of all ways to make j of the unjudged images relevant, the best for a ranking are then its first j, and the worst
those that it does not rank, followed by its last; going through all j gives the exact bounds.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fieldguide.evaluation.fitness.arrays import ArrayMeasure, Floats, Grades, Linear, ratio
from fieldguide.evaluation.fitness.board import Board, Case, Indices, kendall_tau

_DEFAULT_CUTOFF = 10
# What differs by less, differs in the order of its additions only.
_EPSILON = 1e-9


@dataclass(frozen=True)
class JudgedShare:
    """One system.

    Attributes:
        judged: share of its first `Unjudged.cutoff` images that are judged, over all subtopics.
        score: as on the leaderboard: an unjudged image counts as not relevant.
        condensed: with the unjudged images taken out of the ranking.
        bpref: which looks at judged images only.
        low, high: the score where each unjudged image of the subtopic has grade 0 or the highest grade, whichever
            is worst, or best, for this system.
    """

    system: str
    judged: float
    score: float
    condensed: float
    bpref: float
    low: float
    high: float


@dataclass(frozen=True)
class Turn:
    """Two systems whose order the unjudged images could turn: `low` is the least difference that they allow."""

    better: str
    worse: str
    difference: float
    low: float


@dataclass(frozen=True)
class Unjudged:
    """What the unjudged images of one board could change.

    Attributes:
        cutoff: of the judged share.
        systems: best score first.
        condensed_tau, bpref_tau: Kendall's tau with the leaderboard's order; None where one order is all ties.
        exact: `turns` rests on one labelling for both systems; otherwise each has its own worst case, and some of the
            pairs may in truth be settled.
    """

    cutoff: int
    systems: tuple[JudgedShare, ...]
    condensed_tau: float | None
    bpref_tau: float | None
    exact: bool
    turns: tuple[Turn, ...]


def unjudged(board: Board, measure: ArrayMeasure, bpref: Mapping[str, float]) -> Unjudged:
    """Answer for one board; `bpref` holds each system's mean."""
    cutoff = measure.cutoff or _DEFAULT_CUTOFF
    rows = [_judged_share(board, measure, system, cutoff, bpref[system]) for system in board.systems]
    rows.sort(key=lambda row: (-row.score, row.system))
    scores = {row.system: row.score for row in rows}
    return Unjudged(
        cutoff,
        tuple(rows),
        kendall_tau(scores, {row.system: row.condensed for row in rows}),
        kendall_tau(scores, {row.system: row.bpref for row in rows}),
        measure.linear is not None,
        tuple(_turns(board, measure, rows)),
    )


def bounds(case: Case, measure: ArrayMeasure, ranking: Indices, top_grade: int) -> tuple[float, float]:
    """Least and greatest value over all ways to give the case's unjudged images grade 0 or `top_grade`."""
    if case.judged.all():
        return (value := case.value(measure, ranking)), value
    ranked, known = case.grades[ranking], case.judged[ranking]
    places = np.flatnonzero(~known)
    outside = int((~case.judged).sum()) - len(places)
    steps = np.arange(len(places) + 1)
    first = np.where(~known & ((~known).cumsum() <= steps[:, None]), top_grade, ranked)
    last = np.where(~known & ((~known)[::-1].cumsum()[::-1] <= steps[:, None]), top_grade, ranked)
    best, worst = measure.values(np.stack([first, last]), _ideal(case, steps, top_grade))
    # An image that is not ranked can only raise what is possible, so the worst case has all of them.
    least = min(worst.min(), measure.values(last, _ideal(case, steps + outside, top_grade)).min())
    return float(least), float(best.max())


def condensed(case: Case, measure: ArrayMeasure, ranking: Indices) -> float:
    """The measure of the ranking without its unjudged images."""
    return case.value(measure, ranking[case.judged[ranking]])


def _ideal(case: Case, more: Indices, top_grade: int) -> Grades:
    """(j, n) all grades sorted falling, when `more` (j,) unjudged images have the top grade."""
    place = np.arange(len(case.images)) - more[:, None]
    return np.where(place < 0, top_grade, case.ideal[np.maximum(place, 0)])


def _judged_share(board: Board, measure: ArrayMeasure, system: str, cutoff: int, bpref: float) -> JudgedShare:
    ranked = [(case, case.rankings[system]) for case in board.cases]
    shown = [case.judged[ranking[:cutoff]] for case, ranking in ranked]
    limits = np.array([bounds(case, measure, ranking, board.top_grade) for case, ranking in ranked])
    low, high = limits.mean(axis=0).tolist()
    images = sum(map(len, shown))
    return JudgedShare(
        system,
        sum(int(flags.sum()) for flags in shown) / images if images else 0.0,
        float(np.mean([case.value(measure, ranking) for case, ranking in ranked])),
        float(np.mean([condensed(case, measure, ranking) for case, ranking in ranked])),
        bpref,
        low,
        high,
    )


def _turns(board: Board, measure: ArrayMeasure, rows: list[JudgedShare]) -> list[Turn]:
    """Pairs, best system first, whose difference could become negative."""
    linear, found = measure.linear, []
    for better, worse in itertools.combinations(rows, 2):
        difference = better.score - worse.score
        low = better.low - worse.high
        if linear is not None and low < -_EPSILON:
            pair = (better.system, worse.system)
            worst = [least_difference(case, linear, pair, board.top_grade) for case in board.cases]
            low = float(np.mean(worst))
        if difference > _EPSILON and low < -_EPSILON:
            found.append(Turn(better.system, worse.system, difference, low))
    return found


def least_difference(case: Case, linear: Linear, pair: tuple[str, str], top_grade: int) -> float:
    """Least difference of two rankings' values when each unjudged image has grade 0 or `top_grade`.

    With j such images relevant the normaliser is fixed, and each of them adds its own difference of weights: those
    with the least differences are the worst. All j are gone through, but those images that neither ranking has move
    the normaliser alone, one way: none and all of them are the extremes.
    """
    first, second = (_weights(case, linear, case.rankings[system]) for system in pair)
    delta = first - second
    hidden = delta[~case.judged]
    against, in_favour = np.sort(hidden[hidden < 0]), np.sort(hidden[hidden > 0])
    neither = np.zeros(min(1, len(hidden) - len(against) - len(in_favour)))
    added = np.concatenate([[0.0], against, neither, in_favour]).cumsum()
    steps = np.concatenate([np.arange(len(against) + 1), np.arange(len(hidden) - len(in_favour), len(hidden) + 1)])
    steps = steps if len(neither) else np.arange(len(hidden) + 1)
    top = float(linear.gains(np.array([top_grade]))[0])
    base = float((linear.gains(case.grades) * delta).sum())
    below = linear.normaliser(linear.gains(_ideal(case, steps, top_grade)))
    return float(ratio(base + top * added, below).min())


def _weights(case: Case, linear: Linear, ranking: Indices) -> Floats:
    """(n,) weight that the ranking gives each image of the case; 0 for those not ranked."""
    weights = np.zeros(len(case.images))
    weights[ranking] = linear.weights(len(ranking))
    return weights
