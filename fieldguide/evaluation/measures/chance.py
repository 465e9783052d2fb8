"""What a random ranking scores: exactly, in closed form, and by drawing rankings.

Every order of a subtopic's pool is equally likely and the whole pool is ranked. Notation throughout: N images, R of
them relevant, n = min(k, N) ranks that a measure with cutoff k looks at.

A published score says little without its chance level: in pools of few images, or with a measure that forgives,
a ranking by nothing at all scores far above 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from ir_measures import Measure

Floats = npt.NDArray[np.float64]
Labels = Sequence[int | None]
"""Label of each image of a pool, in any order; None where it is not judged."""


def expected(measure: Measure, labels: Labels, others: int = 0) -> float:
    """Expected value of a measure over all orders of one pool.

    Args:
        measure: as `parse_measures` gives it; `computable` tells which.
        labels: of the pool's images; at least one judged.
        others: so many images more are ranked, all without a judgment.

    Raises:
        FieldguideError: no closed form is known here, or nothing in the pool is judged.
    """
    formula = _FORMULAS.get(measure.NAME)
    if formula is None or not computable(measure):
        raise FieldguideError(
            f"{measure}: the expected value of a random ranking is known for {', '.join(sorted(_FORMULAS))} "
            "(no `judged_only`, `gains` or other `dcg`); draw rankings with `chance.simulate`"
        )
    if all(label is None for label in labels):
        raise FieldguideError(f"{measure}: the pool has no judged image, so nothing can be expected of it")
    return formula(_Pool.of(measure, labels, others))


def computable(measure: Measure) -> bool:
    """Whether `expected` knows the measure."""
    return measure.NAME in _FORMULAS and not {"judged_only", "gains", "dcg"} & set(measure.params)


def mean_expected(measures: Sequence[Measure], pools: Sequence[Labels]) -> dict[str, float]:
    """Mean over pools of `expected`, by the measure's text."""
    return {str(measure): float(np.mean([expected(measure, labels) for labels in pools])) for measure in measures}


def simulate(measures: Sequence[Measure], pools: Sequence[Labels], draws: int, seed: int) -> Floats:
    """Score random rankings with the same code as any run's.

    Returns:
        (draws, measures) mean over pools of each draw: one row is what one random system scores.
    """
    from fieldguide.evaluation.measures.scoring import RunScorer

    rng = np.random.default_rng(seed)
    places = {str(measure): place for place, measure in enumerate(measures)}
    sums = np.zeros((draws, len(measures)))
    for labels in pools:
        qrels, run = _drawn(labels, draws, rng)
        for score in RunScorer(measures, qrels).score(run):
            sums[int(score.subtopic_id), places[score.measure]] += score.value
    return sums / len(pools)


def _drawn(labels: Labels, draws: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Qrels and a run in which every draw is a subtopic, with a pool in an order of its own."""
    images = np.array([f"i{place}" for place in range(len(labels))], dtype=object)
    judged = {image: label for image, label in zip(images, labels, strict=True) if label is not None}
    subtopics, ranks = np.arange(draws).astype(str), np.arange(1, len(images) + 1)
    orders = np.concatenate([rng.permutation(images) for _ in subtopics])
    qrels = {"image_id": [*judged] * draws, "grade": [*judged.values()] * draws}
    run = {"image_id": orders, "rank": np.tile(ranks, draws)}
    return (
        pd.DataFrame({"subtopic_id": np.repeat(subtopics, len(judged)), **qrels}),
        pd.DataFrame({"subtopic_id": np.repeat(subtopics, len(images)), **run}),
    )


@dataclass(frozen=True)
class _Pool:
    """What the formulas need of a pool.

    images, relevant: N and R.
    ranks: n, of the measure's cutoff; N without one.
    cutoff: k itself; N without one.
    gains: (N,) grade of each image, 0 for what is unjudged or negative, as trec_eval takes them.
    judged: judged images.
    junk: images with a grade below 0.
    other: judged images that are neither relevant nor junk.
    """

    images: int
    relevant: int
    ranks: int
    cutoff: int
    gains: Floats
    judged: int
    junk: int
    other: int

    @classmethod
    def of(cls, measure: Measure, labels: Labels, others: int) -> _Pool:
        rest = np.zeros(others)
        grades = np.concatenate([np.array([label or 0 for label in labels], dtype=np.float64), rest])
        judged = np.concatenate([np.array([label is not None for label in labels], dtype=np.bool_), rest > 0])
        rel = measure["rel"] if "rel" in measure.SUPPORTED_PARAMS else 1
        cutoff = measure.params.get("cutoff", len(grades))
        return cls(
            images=len(grades),
            relevant=int((judged & (grades >= rel)).sum()),
            ranks=min(cutoff, len(grades)),
            cutoff=cutoff,
            gains=np.maximum(grades, 0.0),
            judged=int(judged.sum()),
            junk=int((grades < 0).sum()),
            other=int((judged & (grades < rel) & (grades >= 0)).sum()),
        )


def _ranks(count: int) -> Floats:
    return np.arange(1, count + 1, dtype=np.float64)


def _discount_sums(count: int) -> Floats:
    """(count,) sum of 1 / log2(1 + rank) of the first ranks."""
    return np.asarray(np.cumsum(1 / np.log2(_ranks(count) + 1)), dtype=np.float64)


def _none_yet(pool: _Pool) -> Floats:
    """(N + 1,) probability that none of the first i images is relevant, i from 0: product of (N - R - j) / (N - j)."""
    rank = _ranks(pool.images) - 1
    steps = np.maximum(pool.images - pool.relevant - rank, 0) / (pool.images - rank)
    return np.concatenate([[1.0], np.cumprod(steps)])


def _above(relevant: int, images: int, count: int) -> Floats:
    """(count,) expected relevant images above rank i, given a relevant one there: (i - 1)(R - 1) / (N - 1)."""
    return (_ranks(count) - 1) * (relevant - 1) / max(images - 1, 1)


def _precisions(pool: _Pool) -> float:
    """Expected sum, over the relevant images within the cutoff, of the precision at their rank."""
    above = _above(pool.relevant, pool.images, pool.ranks)
    return float(pool.relevant / pool.images * ((1 + above) / _ranks(pool.ranks)).sum())


def _precision(pool: _Pool) -> float:
    return pool.ranks * pool.relevant / pool.images / pool.cutoff


def _recall(pool: _Pool) -> float:
    return pool.ranks / pool.images if pool.relevant else 0.0


def _hit(pool: _Pool) -> float:
    return float(1 - _none_yet(pool)[pool.ranks])


def _average_precision(pool: _Pool) -> float:
    return _precisions(pool) / pool.relevant if pool.relevant else 0.0


def _inquire(pool: _Pool) -> float:
    return _precisions(pool) / min(pool.relevant, pool.cutoff) if pool.relevant else 0.0


def _reciprocal_rank(pool: _Pool) -> float:
    first = -np.diff(_none_yet(pool))[: pool.ranks]
    return float((first / _ranks(pool.ranks)).sum())


def _r_precision(pool: _Pool) -> float:
    return pool.relevant / pool.images


def _ndcg(pool: _Pool) -> float:
    """Linear in the gains: their mean at every rank, over the ideal, which no order changes."""
    best = np.sort(pool.gains)[::-1][: pool.ranks]
    ideal = float((best / np.log2(_ranks(pool.ranks) + 1)).sum())
    return float(pool.gains.mean() * _discount_sums(pool.ranks)[-1] / ideal) if ideal else 0.0


def _visret(pool: _Pool) -> float:
    """Given m relevant images in the top n, h of them lie within the first m, m * m / n in the mean.

    The value is linear in h (see `providers.visret.visret_ndcg`) and becomes m / n * D(1, n) / D(1, m). What
    remains is the hypergeometric distribution of m.
    """
    from scipy.stats import hypergeom

    sums = _discount_sums(pool.ranks)
    given = _ranks(pool.ranks) / pool.ranks * sums[-1] / sums
    chances = hypergeom(pool.images, pool.relevant, pool.ranks).pmf(np.arange(1, pool.ranks + 1))
    return float(chances @ given)


def _revisitop(pool: _Pool) -> float:
    """Junk taken out, a relevant image at place i from 0 has i (R - 1) / (N - 1) before it; trapezoids as there."""
    images = pool.images - pool.junk
    if not pool.relevant:
        return 0.0
    before, place = _above(pool.relevant, images, images), _ranks(images) - 1
    left = np.where(place == 0, 1.0, before / np.maximum(place, 1))
    return float((left + (before + 1) / (place + 1)).mean() / 2)


def _bpref(pool: _Pool) -> float:
    """A relevant image has 0 to all of the judged others above it, each number equally likely."""
    if not pool.relevant:
        return 0.0
    above = np.arange(pool.other + 1)
    return float((1 - np.minimum(above, pool.relevant) / max(min(pool.other, pool.relevant), 1)).mean())


def _judged(pool: _Pool) -> float:
    return pool.judged / pool.images


_FORMULAS: Mapping[str, Callable[[_Pool], float]] = {
    "AP": _average_precision,
    "Bpref": _bpref,
    "Judged": _judged,
    "P": _precision,
    "R": _recall,
    "RR": _reciprocal_rank,
    "Rprec": _r_precision,
    "Success": _hit,
    "both_entities": _hit,
    "hit": _hit,
    "inquire_AP": _inquire,
    "nDCG": _ndcg,
    "revisitop_AP": _revisitop,
    "visret_nDCG": _visret,
}
