"""Agreement: how far assessors say the same, together and in pairs.

Everything here is about votes (judgments/votes.py): one answer an assessor and pair, the adjudicator's left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from fieldguide.annotation.agreement.alpha import IntervalEstimate, Level, alpha, value_counts
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import VotesByPair, graded, topic_of, votes
from fieldguide.core.grouping import grouped


@dataclass(frozen=True)
class Alphas:
    """Krippendorff's alpha, three ways.

    Attributes:
        ordinal: of grades; 2 against 0 is a greater difference than 2 against 1. Choices without a grade are missing.
        nominal: of grades; any two are equally different. Choices without a grade are missing.
        choices: nominal, of choices; `cannot-tell` and `broken-image` are values of their own.
    """

    ordinal: IntervalEstimate
    nominal: IntervalEstimate
    choices: IntervalEstimate


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two assessors on the images that both graded.

    Attributes:
        same: share of these images with the same grade; None without any.
        unweighted: Cohen, Educational and Psychological Measurement 20(1), 1960.
        quadratic: disagreements weighted by the square of the difference in grade (Cohen, Psychological Bulletin
            70(4), 1968).
        reason: why there is no kappa.
    """

    first: str
    second: str
    images: int
    same: float | None
    unweighted: float | None
    quadratic: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Agreement:
    """Alpha of all topics together and of each topic, and kappa of each two assessors."""

    overall: Alphas
    topics: dict[str, Alphas]
    kappas: tuple[Kappa, ...]


def agreement(entries: Iterable[LogEntry], *, confidence: float = 0.95, draws: int = 1000, seed: int = 0) -> Agreement:
    """Agreement of the log's current votes.

    A topic's interval is about its images, the interval of all topics about topics.

    Args:
        entries: the log.
        confidence: of the intervals, 0..1.
        draws: number of bootstrap resamples.
        seed: of the resamples; a topic's do not depend on what other topics there are.
    """
    said = votes(entries)
    topics = grouped((topic_of(pair[0]), (pair, by)) for pair, by in said.items())
    return Agreement(
        overall=alphas_of(said, confidence, draws, seed),
        topics={topic: alphas_of(dict(part), confidence, draws, seed) for topic, part in sorted(topics.items())},
        kappas=tuple(kappas(said)),
    )


def alphas_of(said: VotesByPair, confidence: float, draws: int, seed: int) -> Alphas:
    """The three alphas of some votes."""
    clusters = [topic_of(subtopic_id) for subtopic_id, _ in said]
    grades = [graded(by) for by in said.values()]
    choices = [{assessor: str(vote.choice) for assessor, vote in by.items()} for by in said.values()]

    def estimate(answers: Sequence[Mapping[str, int]] | Sequence[Mapping[str, str]], level: Level) -> IntervalEstimate:
        domain = sorted({given for by in answers for given in by.values()})
        return alpha(value_counts(answers, domain), clusters, level, confidence, draws, seed)

    return Alphas(estimate(grades, "ordinal"), estimate(grades, "nominal"), estimate(choices, "nominal"))


def kappas(said: VotesByPair) -> list[Kappa]:
    """Cohen's kappa of each two assessors, in the order of their names."""
    grades = [graded(by) for by in said.values()]
    names = sorted({assessor for by in said.values() for assessor in by})
    return [_kappa(a, b, [(by[a], by[b]) for by in grades if a in by and b in by]) for a, b in combinations(names, 2)]


def _kappa(first: str, second: str, both: Sequence[tuple[int, int]]) -> Kappa:
    if not both:
        return Kappa(first, second, 0, None, None, None, "no image was graded by both")
    same = sum(a == b for a, b in both) / len(both)
    grades = {grade for pair in both for grade in pair}
    if len(grades) < 2:
        why = "both gave the same grade to every image, so that agreement cannot be told from chance"
        return Kappa(first, second, len(both), same, None, None, why)
    from sklearn.metrics import cohen_kappa_score

    left, right = zip(*both, strict=True)
    labels = list(range(max(grades) + 1))  # grades are their own distances, also where one between was never given
    values = [float(cohen_kappa_score(left, right, labels=labels, weights=weights)) for weights in (None, "quadratic")]
    return Kappa(first, second, len(both), same, values[0], values[1])
