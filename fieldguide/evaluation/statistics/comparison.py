"""Differences between systems on the same topics: how large, how sure, and how many topics it takes to see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fieldguide.evaluation.section import Evaluate
from fieldguide.evaluation.statistics.clusters import Clusters, Floats, Labels, clusters
from fieldguide.evaluation.statistics.intervals import mean_interval
from fieldguide.evaluation.statistics.power import Design, detectable, topics_needed, true_spread
from fieldguide.evaluation.statistics.resampling import randomisation_test

# A topic's difference below this is rounding, so it is a tie; others that agree to here have the same rank.
_DIGITS = 9


@dataclass(frozen=True)
class PairedComparison:
    """One difference (system less another one) in the mean over subtopics, and what is known of it.

    Attributes:
        difference: of the means, with its interval `low` to `high`.
        p: of the randomisation test over topics, `q` the same with Benjamini-Hochberg over the family.
        wilcoxon_p: of Wilcoxon's signed-rank test over topics; `wilcoxon_q` likewise.
        wins, ties, losses: topics by the sign of their mean difference.
        d: Cohen's d for pairs, mean over standard deviation of the topics' differences; None where they do not vary.
        design_effect: how many times the variance is what independent topics would give, at least 1.
        topics_needed: to see a difference of this size (evaluate.alpha, evaluate.power); None where d is None, or 0
            to any number of topics.
        detectable: the least difference that this many topics show; None where d is None or topics are fewer than two.
            `detectable_low`, `detectable_high`: how far off it may be, for a spread is known by its topics alone.
    """

    difference: float
    low: float
    high: float
    p: float
    q: float
    wilcoxon_p: float
    wilcoxon_q: float
    wins: int
    ties: int
    losses: int
    d: float | None
    design_effect: float
    topics_needed: int | None
    detectable: float | None
    detectable_low: float | None
    detectable_high: float | None


def compare(differences: Floats, topics: Labels, entities: Labels | None, evaluate: Evaluate) -> list[PairedComparison]:
    """Compare along each column; all columns are one family for Benjamini and Hochberg.

    Args:
        differences: (subtopics, m) of the same measure, system less another one.
        topics: numbers each row's topic from 0.
        entities: numbers each row's entity from 0; None: topics share nothing.
        evaluate: confidence, alpha, power, number of sign patterns and seed.
    """
    return compare_clusters(clusters(differences, topics, entities), evaluate)


def compare_clusters(data: Clusters, evaluate: Evaluate) -> list[PairedComparison]:
    """As `compare`, of differences that are summed by topic already."""
    means = np.round(data.sums / data.sizes[:, None], _DIGITS)
    low, high = np.clip(mean_interval(data, evaluate.confidence), -1.0, 1.0)  # measures are between 0 and 1
    p = randomisation_test(data, evaluate.permutations, evaluate.seed)
    ranks = data._replace(sums=signed_ranks(means), sizes=np.ones(len(means)))
    signed = randomisation_test(ranks, evaluate.permutations, evaluate.seed)
    q, signed_q = false_discovery(p), false_discovery(signed)
    effect = np.ones(len(p)) if data.effect is None else data.effect
    mean, units = data.mean, (data.units or len(means)) / len(means)
    found = []
    for n, column in enumerate(means.T):
        wins, losses = int((column > 0).sum()), int((column < 0).sum())
        design = Design(float(effect[n]), units)
        d, needed, least = _power(column, design, evaluate)
        seen, seen_low, seen_high = least or (None, None, None)
        found.append(
            PairedComparison(
                difference=float(mean[n]),
                low=float(low[n]),
                high=float(high[n]),
                p=float(p[n]),
                q=float(q[n]),
                wilcoxon_p=float(signed[n]),
                wilcoxon_q=float(signed_q[n]),
                wins=wins,
                ties=len(column) - wins - losses,
                losses=losses,
                d=d,
                design_effect=design.effect,
                topics_needed=needed,
                detectable=seen,
                detectable_low=seen_low,
                detectable_high=seen_high,
            )
        )
    return found


def false_discovery(p: Floats) -> Floats:
    """(m,) q: the least false discovery rate at which each is significant (Benjamini and Hochberg, JRSS B 57, 1995)."""
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(p), dtype=np.float64) if len(p) else p


def signed_ranks(differences: Floats) -> Floats:
    """(n, m) ranks of the sizes of each column's differences, with their signs; ties share a rank, zeros have 0.

    Their randomisation test is Wilcoxon's signed-rank test (Biometrics Bulletin 1(6), 1945), also where there are ties.
    """
    from scipy.stats import rankdata

    zeros = (differences == 0).sum(axis=0)
    return np.asarray(np.sign(differences) * (rankdata(np.abs(differences), axis=0) - zeros), dtype=np.float64)


def _power(
    differences: Floats, design: Design, evaluate: Evaluate
) -> tuple[float | None, int | None, tuple[float, float, float] | None]:
    """(d, topics needed, detectable difference with its ends) from one difference a topic."""
    count = len(differences)
    spread = float(differences.std(ddof=1)) if count > 1 else 0.0
    if spread < 10.0**-_DIGITS:
        return None, None, None
    d = float(differences.mean()) / spread
    least = detectable(count, evaluate.alpha, evaluate.power, design)
    needed = topics_needed(d, evaluate.alpha, evaluate.power, design)
    if least is None:
        return d, needed, None
    middle, low, high = (least * spread * r for r in true_spread(count * design.units - 1, evaluate.confidence))
    return d, needed, (middle, low, high)


def pairs(systems: Sequence[str], baseline: str) -> list[tuple[str, str]]:
    """Every two systems once as (system, subtracted): the baseline is subtracted from any, else the earlier one."""
    order = sorted(systems, key=lambda system: system != baseline)  # stable: the others stay as they are
    return [(later, first) for place, first in enumerate(order) for later in order[place + 1 :]]
