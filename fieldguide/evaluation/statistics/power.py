"""Power of the paired t-test: how many topics a difference needs, and which difference so many topics show.

With n topics, effect size d = mean / standard deviation of the differences and delta = d * sqrt(n), the t statistic
follows the noncentral t distribution with n - 1 degrees of freedom and noncentrality delta, so that a two-sided test
at `alpha` rejects with probability

    power(d, n) = P(T > t) + P(T < -t),   t = the (1 - alpha/2) quantile of Student's t with n - 1 degrees of freedom.

Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd edition, 1988, chapter 2; for topics of a test
collection: Sakai, Topic set size design, Information Retrieval Journal 19(3), 2016. Where topics share entities, delta
is divided by the root of the design effect, and the degrees of freedom are those of the entities, if they are fewer.

The number of topics for an *observed* difference is a plan for the next collection, no verdict on this one: a
difference that came out large by chance asks for too few (Hoenig and Heisey, The American Statistician 55(1), 2001).

A detectable difference rests on the spread of the topics' differences, and that is an estimate: with 14 entities it may
well be .7 or 1.3 times the true one. `true_spread` says how far off.
"""

from __future__ import annotations

import math
from typing import NamedTuple

_MOST = 10**9  # topics; above, the noncentral t is not computed well either


class Design(NamedTuple):
    """How topics share entities: the design effect, and independent units (topics or entities) a topic, at most 1."""

    effect: float = 1.0
    units: float = 1.0


INDEPENDENT = Design()


def paired_power(d: float, topics: float, alpha: float, design: Design = INDEPENDENT) -> float:
    """Probability, 0..1, that the two-sided paired t-test at `alpha` rejects with effect size `d`.

    Args:
        d: mean over standard deviation of the topics' differences; its sign is not looked at.
        topics: how many; times design.units more than 1.
        alpha: level of the test.
        design: of a collection whose entities grow with its topics.
    """
    from scipy.special import nctdtr, stdtrit

    freedom = topics * design.units - 1
    shift = abs(d) * math.sqrt(topics / design.effect)
    bound = float(stdtrit(freedom, 1 - alpha / 2))
    near, far = 1 - float(nctdtr(freedom, shift, bound)), float(nctdtr(freedom, shift, -bound))
    # The series gives no number where a tail is 1 or 0 to all digits, which happens for great shifts alone.
    return (1.0 if math.isnan(near) else near) + (0.0 if math.isnan(far) else far)


def topics_needed(d: float, alpha: float, power: float, design: Design = INDEPENDENT) -> int | None:
    """Fewest topics that show effect size `d` with probability `power`; None: more than anybody will collect."""
    low = math.ceil(2 / design.units) - 1  # fewer than two units: no test
    high = low + 1
    while paired_power(d, high, alpha, design) < power:
        low, high = high, 2 * high
        if high > _MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if paired_power(d, middle, alpha, design) >= power else (middle, high)
    return high


def detectable(topics: int, alpha: float, power: float, design: Design = INDEPENDENT) -> float | None:
    """Least effect size d that `topics` show with probability `power`; None: fewer than two units.

    Multiplied by the standard deviation of the topics' differences it is the minimum detectable difference.
    """
    from scipy.optimize import brentq

    if topics * design.units < 2:
        return None
    high = 0.1
    while paired_power(high, topics, alpha, design) < power:
        high *= 2
    return float(brentq(lambda d: paired_power(d, topics, alpha, design) - power, 0.0, high, xtol=1e-9))


def true_spread(freedom: float, confidence: float) -> tuple[float, float, float]:
    """(median, low, high) of the true standard deviation over one estimated with so many degrees of freedom.

    The estimate's square is the truth's times chi squared over its degrees of freedom. Times the median, it is as often
    too small as too large.
    """
    from scipy.special import chdtri

    tail = (1 - confidence) / 2
    middle, low, high = (math.sqrt(freedom / float(chdtri(freedom, above))) for above in (0.5, tail, 1 - tail))
    return middle, low, high
