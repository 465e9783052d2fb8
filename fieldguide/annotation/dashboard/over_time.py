"""Agreement while people worked: learning, tiring and drifting show in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from fieldguide.annotation.agreement.alpha import IntervalEstimate, alpha, value_counts
from fieldguide.annotation.judgments.votes import VotesByPair, graded, topic_of

PARTS = 10
LEAST = 20
"""Images a part, so that its interval says something."""


@dataclass(frozen=True)
class AgreementPart:
    """Krippendorff's alpha (ordinal) of some of the images that two or more people graded.

    Attributes:
        first: when the first of them had its last grade so far, ISO 8601; None where no time is known.
        last: when the last of them had.
        images: of the part.
    """

    first: str | None
    last: str | None
    images: int
    alpha: IntervalEstimate


def agreement_parts(said: VotesByPair, *, confidence: float, draws: int, seed: int) -> list[AgreementPart]:
    """Up to `PARTS` parts of equally many images, in the order in which the log has each image's last grade.

    Args:
        said: everybody's votes (judgments/votes.py).
        confidence: of the intervals, 0..1.
        draws: bootstrap resamples.
        seed: of the resamples.

    Returns:
        No part where fewer than `LEAST` images are graded by two.
    """
    seen = []
    for pair, by in said.items():
        grades = graded(by)
        if len(grades) > 1:
            last = max((by[name] for name in grades), key=lambda vote: vote.seq)
            seen.append((last.seq, last.judged_at, pair, grades))
    seen.sort(key=lambda one: one[0])
    count = min(PARTS, len(seen) // LEAST)
    domain = sorted({grade for *_, grades in seen for grade in grades.values()})
    made = []
    for number in range(count):
        part = seen[number * len(seen) // count : (number + 1) * len(seen) // count]
        counts = value_counts([grades for *_, grades in part], domain)
        clusters = [topic_of(pair[0]) for _, _, pair, _ in part]
        found = alpha(counts, clusters, "ordinal", confidence, draws, seed)
        made.append(AgreementPart(part[0][1], part[-1][1], len(part), found))
    return made
