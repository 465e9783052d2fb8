"""Reported numbers against what chance gives, against how topics were chosen, and against the number of topics."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from fieldguide.checks.audit.finding import Observation, Place
from fieldguide.checks.audit.registry import check
from fieldguide.checks.audit.reported import Reported
from fieldguide.checks.audit.subject import AuditSubject
from fieldguide.core.english import counted
from fieldguide.core.grouping import grouped

if TYPE_CHECKING:
    import numpy.typing as npt

_LARGE = 0.25
"""Share of a score from which on chance is a considerable part of it."""
_DISCORDANT = 0.2
"""Share of topics in which one of two systems has a hit and the other none: the variance of a difference of hit rates
is at most this. Visual retrieval systems of one kind differ in a fifth of the topics and more."""
_VISIBLE = 0.1
_ALPHA, _POWER = 0.05, 0.8
_FIRST = ("hit@1", "Success@1", "P@1", "visret_nDCG@1", "RR@1", "AP@1")
_CHOSEN = 0.001
_DRAWS, _SEED = 200, 0


class Level(NamedTuple):
    """A reported score beside chance.

    expected: mean over pools of a random ranking's expected score.
    bound: what a random ranking exceeds in one of forty cases (1.96 standard deviations of _DRAWS random rankings
        above `expected`).
    """

    system: str
    measure: str
    value: float
    expected: float | None
    bound: float | None


@lru_cache(maxsize=1)
def levels(subject: AuditSubject) -> tuple[Level, ...]:
    """Chance beside every reported score, in the file's order; None where no closed form is known."""
    from fieldguide.evaluation.measures import chance
    from fieldguide.evaluation.measures.parsing import parse_measures

    pools = [list(p.labels.values()) for p in subject.collection.pools if p.relevant]
    texts = list(dict.fromkeys(score.measure for score in subject.scores))
    measures = [m for m in parse_measures(texts, "the reported scores") if pools and chance.computable(m)]
    known: dict[str, tuple[float, float]] = {}
    if measures:
        spreads = chance.simulate(measures, pools, _DRAWS, _SEED).std(axis=0, ddof=1)
        means = chance.mean_expected(measures, pools)
        known = {
            text: (mean, min(mean + 1.96 * float(spread), 1.0))
            for (text, mean), spread in zip(means.items(), spreads, strict=True)
        }
    return tuple(Level(s.system, s.measure, s.value, *known.get(s.measure, (None, None))) for s in subject.scores)


@check(
    "chance.not-above",
    proves="A reported score is no higher than a random ranking of the same pools reaches by chance.",
    cannot="Scores over other pools (the whole corpus), or averaged in another way, than the pools of this file.",
    advice="Give the chance level beside the score, and do not rank systems that do not exceed it.",
    need="scores",
)
def not_above(subject: AuditSubject) -> Iterator[Observation]:
    """Scores below the upper bound of chance."""
    low = [level for level in levels(subject) if level.bound is not None and level.value <= level.bound]
    if low:
        rows = tuple(
            Place(x.system, f"{x.measure} {x.value:.3f}, chance {x.expected:.3f} to {x.bound:.3f}") for x in low
        )
        evidence = f"{len(low)} of {len(subject.scores)} scores lie at or below the upper bound of chance (97.5%)."
        yield Observation("warning", "likely", "Scores that chance reaches", evidence, rows)


@check(
    "chance.large-share",
    proves=f"A random ranking scores {_LARGE:.0%} or more of a reported score.",
    cannot="Scores over other pools than those of this file.",
    advice="Report the chance level, or the score above it; prefer the standard measure.",
    need="scores",
)
def large_share(subject: AuditSubject) -> Iterator[Observation]:
    """Scores of which chance is a considerable part."""
    found = [x for x in levels(subject) if x.expected is not None and x.bound is not None and x.value > x.bound]
    large = [level for level in found if level.expected is not None and level.expected >= _LARGE * level.value]
    if large:
        rows = tuple(Place(x.system, f"{x.measure} {x.value:.3f}, chance {x.expected:.3f}") for x in large)
        by_measure = {x.measure: x.expected for x in large if x.expected is not None}
        evidence = "Chance is " + ", ".join(f"{m} {v:.3f}" for m, v in by_measure.items()) + "."
        yield Observation("warning", "certain", "Chance is a large part of the scores", evidence, rows)


@check(
    "selection.failed-baseline",
    proves="A system finds a relevant image at rank 1 less often than a random ranking does (p < .001): the topics, or "
    "their images, were chosen where it fails.",
    cannot="Which selection it was; a system may also be worse than chance by itself, which is rare.",
    advice="Do not use that system, or one like it, as a baseline on these topics; publish how they were chosen.",
    need="scores",
)
def failed_baseline(subject: AuditSubject) -> Iterator[Observation]:
    """Hit rates at rank 1 against the exact distribution of a random ranking's hits (Poisson binomial)."""
    pools = [p for p in subject.collection.pools if p.relevant]
    if not pools:
        return
    tail = _hits([len(p.relevant) / len(p.labels) for p in pools])
    binary = all(label in (0, 1, None) for p in pools for label in p.labels.values())
    names = {*_FIRST, *(("nDCG@1",) if binary else ())}
    rows = []
    for score in subject.scores:
        hits = round(score.value * len(pools))
        if score.measure in names and tail[hits] < _CHOSEN:
            rows.append(Place(score.system, f"{score.measure} {score.value:.3f}, p = {tail[hits]:.1e}"))
    if rows:
        expected = sum(len(p.relevant) / len(p.labels) for p in pools) / len(pools)
        evidence = f"A random ranking has a relevant image first in {expected:.3f} of the {len(pools)} pools."
        title = "Topics were chosen by the failure of a system that is scored on them"
        yield Observation("warning", "likely", title, evidence, tuple(rows))


def _hits(rates: list[float]) -> list[float]:
    """Probability of at most n hits, for n = 0 ... len(rates), where each is a hit with its own probability."""
    import numpy as np

    density: npt.NDArray[Any] = np.ones(1)
    for rate in rates:
        density = np.convolve(density, [1 - rate, rate])
    return [float(p) for p in np.cumsum(density)]


@check(
    "power.topics",
    proves=f"With so many topics, two systems whose hit rates differ by {_VISIBLE:g} are told apart in fewer than "
    f"{_POWER:.0%} of cases.",
    cannot=f"Measures with less variance. Systems are taken to disagree about a hit in {_DISCORDANT:.0%} of topics.",
    advice="Add topics, or name differences below the visible one ties.",
)
def topics(subject: AuditSubject) -> Iterator[Observation]:
    """Minimum detectable difference of hit rates (paired t-test, alpha .05, power .8), beside reported differences."""
    from fieldguide.evaluation.statistics.power import detectable

    number = len(subject.collection.questions)
    size = detectable(number, _ALPHA, _POWER) if number > 1 else None
    least = size * sqrt(_DISCORDANT) if size is not None else None
    if least is not None and least >= 1:  # no two hit rates differ by so much
        least = None
    if least is not None and least <= _VISIBLE:
        return
    needed = next(n for n in range(2, 10_000) if (detectable(n, _ALPHA, _POWER) or 9) * sqrt(_DISCORDANT) <= _VISIBLE)
    seen = f"differences of {least:.2f} and more" if least is not None else "no difference at all"
    evidence = (
        f"{counted(number, 'topic')} show {seen} in hit rates; {needed} topics would show {_VISIBLE:g} "
        f"(paired t-test, alpha {_ALPHA:g}, power {_POWER:g}, disagreement {_DISCORDANT:g})."
    )
    rows = tuple(_close(subject.scores, least)) if least is not None else ()
    if rows:
        evidence += " The reported differences below are smaller."
    yield Observation("warning", "likely", "Few topics: small differences cannot be seen", evidence, rows)


def _close(scores: tuple[Reported, ...], least: float) -> Iterator[Place]:
    """Pairs of systems whose reported difference is below what the topics show."""
    by_measure = grouped((score.measure, score) for score in scores if score.measure in _FIRST)
    for measure, found in by_measure.items():
        pairs = list(combinations(found, 2))
        close = sum(abs(a.value - b.value) < least for a, b in pairs)
        if close:
            yield Place(measure, f"{close} of {len(pairs)} differences between systems are below {least:.2f}")
