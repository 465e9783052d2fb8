"""Anchoring: how far a model's guess in sight draws people towards it.

Which pages show guesses is drawn at random, so that judgments with and without sight differ by nothing else in the
long run. What they are of differs by chance: the comparison is made within each subtopic, among images with the same
guess, and put together with Mantel-Haenszel weights for differences of proportions (Greenland and Robins, Biometrics
41(1), 1985).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fieldguide.annotation.agreement.alpha import IntervalEstimate
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import Pair, topic_of, votes
from fieldguide.annotation.planning.section import Preannotation
from fieldguide.evaluation.statistics.clusters import Clusters
from fieldguide.evaluation.statistics.intervals import mean_interval
from fieldguide.retrieval.pooling.section import Pool

Cell = tuple[str, bool]
"""A subtopic, and whether its images are guessed relevant."""


@dataclass(frozen=True)
class Effect:
    """Shares of grades, 0..1, with and without sight of the guess, over comparable images."""

    sighted: float
    blind: float
    difference: IntervalEstimate


@dataclass(frozen=True)
class Anchoring:
    """How judgments given with a model's guess in sight differ from those given without.

    Attributes:
        sighted: graded votes with a guess in sight that have comparable blind ones; `blind`: these.
        apart: graded votes with no comparable ones on the other side, and those on gold images, which are never shown
            with a guess. They are left out.
        as_guessed: share of grades that are the guessed one; None where nothing is comparable.
        relevant: share of grades above 0.
        words: all of this for a report.
    """

    sighted: int
    blind: int
    apart: int
    as_guessed: Effect | None
    relevant: Effect | None
    words: str


def guessed_relevant(pools: pd.DataFrame, preannotation: Preannotation, pool: Pool) -> set[Pair] | None:
    """Pairs that the form shows as relevant, by the ranks that the pools hold.

    Returns:
        None where the pools do not hold them: the system is not pooled, or not as deep as it guesses.
    """
    if preannotation.system not in pool.systems or preannotation.relevant > pool.depth:
        return None
    found = set()
    for subtopic, image, systems, ranks in pools[["subtopic_id", "image_id", "systems", "ranks"]].itertuples(
        index=False, name=None
    ):
        rank = dict(zip(systems, ranks, strict=True)).get(preannotation.system)
        if rank is not None and rank <= preannotation.relevant:
            found.add((subtopic, image))
    return found


def anchoring(
    entries: Iterable[LogEntry],
    relevant: Collection[Pair],
    highest: int,
    *,
    gold: Collection[Pair] = (),
    confidence: float = 0.95,
) -> Anchoring | None:
    """Compare grades given with sight of the guess with those given blind.

    Args:
        entries: the log.
        relevant: pairs that are guessed to have the grade `highest`; all others are guessed 0.
        highest: highest grade of the guidelines.
        gold: pairs to leave out.
        confidence: of the intervals over topics.

    Returns:
        None where no vote was given with a guess in sight.
    """
    cast = [(pair, vote) for pair, by in votes(entries).items() for vote in by.values() if vote.grade is not None]
    if not any(vote.sighted for _, vote in cast):
        return None
    guesses = set(relevant)
    cells: dict[Cell, tuple[list[LogEntry], list[LogEntry]]] = {}
    for pair, vote in cast:
        if pair not in gold:
            cells.setdefault((pair[0], pair in guesses), ([], []))[vote.sighted].append(vote)
    both = {cell: sides for cell, sides in sorted(cells.items()) if all(sides)}
    blind, sighted = (sum(len(sides[n]) for sides in both.values()) for n in (0, 1))
    apart = len(cast) - blind - sighted
    if not both:
        return Anchoring(
            0, 0, apart, None, None, "No image judged with a guess in sight has one judged blind beside it."
        )
    as_guessed, above = _effects(both, highest, confidence)
    words = _words(as_guessed, above, sighted, blind, confidence)
    return Anchoring(sighted, blind, apart, as_guessed, above, words)


def _effects(
    cells: Mapping[Cell, tuple[list[LogEntry], list[LogEntry]]], highest: int, confidence: float
) -> tuple[Effect, Effect]:
    """The effects on giving the guessed grade, and on giving any grade above 0."""
    rates = np.array(
        [
            [_share(votes, highest if guessed else 0) for votes in sides] + [_share(votes, None) for votes in sides]
            for (_, guessed), sides in cells.items()
        ]
    )  # (cells, 4): as guessed blind, as guessed sighted, above 0 blind, above 0 sighted
    weights = np.array([len(a) * len(b) / (len(a) + len(b)) for a, b in cells.values()])
    means = np.average(rates, axis=0, weights=weights)
    differences = (rates[:, [1, 3]] - rates[:, [0, 2]]) * weights[:, None]
    names, group = np.unique([topic_of(subtopic) for subtopic, _ in cells], return_inverse=True)
    if len(names) == 1:  # one topic says nothing of topics; its subtopics and guesses are drawn
        group = np.arange(len(cells))
    units = sum(len(side) for sides in cells.values() for side in sides)
    reason: str | None = "one comparison is too few for an interval"
    ends: list[tuple[float | None, float | None]] = [(None, None)] * 2
    if len(weights) > 1:
        sums = np.zeros((int(group.max()) + 1, 2))
        np.add.at(sums, group, differences)
        data = Clusters(sums, np.bincount(group, weights).astype(np.float64))
        low, high = np.clip(mean_interval(data, confidence), -1.0, 1.0)
        reason, ends = None, list(zip(low.tolist(), high.tolist(), strict=True))
    first, second = (
        Effect(
            float(means[n + 1]),
            float(means[n]),
            IntervalEstimate(float(means[n + 1] - means[n]), *ends[n // 2], units, reason),
        )
        for n in (0, 2)
    )
    return first, second


def _share(some: Collection[LogEntry], grade: int | None) -> float:
    """The share of votes with this grade; None: with any grade above 0."""
    return sum((v.grade or 0) > 0 if grade is None else v.grade == grade for v in some) / len(some)


def _words(as_guessed: Effect, relevant: Effect, sighted: int, blind: int, confidence: float) -> str:
    parts = [
        f"{sighted:,} judgments were given with a model's guess in sight; {blind:,} of comparable images without.",
        f"The guessed grade was given {as_guessed.sighted:.0%} of the time with sight of it and "
        f"{as_guessed.blind:.0%} without{_points(as_guessed.difference, confidence)};",
        f"a grade above 0 was given {relevant.sighted:.0%} and {relevant.blind:.0%} of the time"
        f"{_points(relevant.difference, confidence)}.",
    ]
    low, high = as_guessed.difference.low, as_guessed.difference.high
    if low is not None and high is not None:
        if low > 0:
            parts.append("People follow the guess: the judgments given with sight of it favour the model that guessed.")
        elif high < 0:
            parts.append("People avoid the guess.")
        else:
            parts.append("An effect of the guess cannot be told from chance; it may still be as large as the interval.")
    return " ".join(parts)


def _points(estimate: IntervalEstimate, confidence: float) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    low, high = 100 * estimate.low, 100 * estimate.high
    return f" ({100 * estimate.value:+.0f} points, {confidence:.0%} interval {low:+.0f} to {high:+.0f})"
