"""How many relevant images nobody has seen yet: an estimate by capture and recapture, systems being the occasions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_Z = 1.6448536269514722
"""One-sided 95 % of the normal distribution."""


@dataclass(frozen=True)
class UnseenRelevant:
    """`estimate` of the number of relevant images not seen, and `at_most`: its upper one-sided 95 % limit."""

    estimate: float
    at_most: float


def estimate_unseen(found: Iterable[Sequence[int]], unseen: Iterable[Sequence[int]]) -> UnseenRelevant:
    """Relevant images not seen yet, from how many systems found each of those that were seen.

    Chao (1987), Estimating the population size for capture-recapture data with unequal catchability, Biometrics 43,
    783-791: with f1 and f2 relevant images found by exactly one and exactly two systems, at least f1^2 / (2 f2) were
    found by none; here in the bias-corrected form f1 (f1 - 1) / (2 (f2 + 1)), with the log-normal limit of the same
    paper (where f2 = 0, with the variance of Colwell's EstimateS). Kantor and others (1999) tried such estimates on
    TREC's pools. Systems count as having found what they rank above the best rank that is not judged yet, so
    that all images had the same chance; relevant ones seen below that are taken off.

    It errs on the low side: it is a lower bound where images differ in how easily they are found, and lower still
    where systems resemble each other, as those that share an encoder do. On the other side it counts what lies
    outside the pool too. Decide by `at_most`.

    Args:
        found: of each relevant image that was judged, the ranks that systems gave it (none for a sampled one).
        unseen: of each image of the pool not judged yet, the ranks.
    """
    depth = min((rank for ranks in unseen for rank in ranks), default=math.inf)
    captures = [sum(rank < depth for rank in ranks) for ranks in found]
    f1, f2, beyond = (captures.count(n) for n in (1, 2, 0))
    hidden = f1 * (f1 - 1) / (2 * (f2 + 1))
    at_most = hidden
    if hidden > 0:
        variance = _variance(f1, f2, len(captures) - beyond + hidden)
        at_most = hidden * math.exp(_Z * math.sqrt(math.log1p(variance / hidden**2)))
    return UnseenRelevant(max(0.0, hidden - beyond), max(0.0, at_most - beyond))


def _variance(f1: int, f2: int, total: float) -> float:
    if f2 == 0:
        return f1 * (f1 - 1) / 2 + f1 * (2 * f1 - 1) ** 2 / 4 - f1**4 / (4 * total)
    ratio = f1 / f2
    return f2 * (ratio**2 / 2 + ratio**3 + ratio**4 / 4)
