"""Measures of one ranking under many labellings at once: what trec_eval computes, on arrays.

A simulation scores the same ranking under thousands of labellings. trec_eval takes one labelling a call, through
dictionaries; these functions take them all. They give trec_eval's numbers (a property test holds them against it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError
from fieldguide.evaluation.measures.parsing import parse_measures

Floats = npt.NDArray[np.float64]
Grades = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Linear:
    """A measure that is a weighted sum of gains over a normaliser of all grades.

    Attributes:
        weights: weight of the gain at ranks 1..n, for n.
        normaliser: (..., m) gains of all images, sorted falling, to (...); where it is 0, so is the measure.
        graded: the gain is the grade; otherwise it is 1 for a grade above 0.
    """

    weights: Callable[[int], Floats]
    normaliser: Callable[[Floats], Floats]
    graded: bool

    def gains(self, grades: Grades) -> Floats:
        """Gains of grades, of the same shape. A grade below 0 gains nothing."""
        return (np.maximum(grades, 0) if self.graded else grades > 0).astype(np.float64)

    def __call__(self, ranked: Grades, ideal: Grades) -> Floats:
        """As `ArrayMeasure`."""
        total = (self.gains(ranked) * self.weights(ranked.shape[-1])).sum(axis=-1)
        return ratio(total, self.normaliser(self.gains(ideal)))


@dataclass(frozen=True)
class ArrayMeasure:
    """A measure in its array form.

    Attributes:
        name: as ir-measures writes it.
        cutoff: number of images at the top that count; None: the whole ranking.
        values: `(ranked, ideal)` to values in 0..1; 0 where nothing is relevant or ranked, as in trec_eval.
            ranked: (..., n) grades by rank, 0 for what is not judged. ideal: (..., m) grades of every image of the
            subtopic, also of those not ranked, sorted falling. Leading dimensions broadcast.
    """

    name: str
    cutoff: int | None
    values: Callable[[Grades, Grades], Floats]

    @property
    def linear(self) -> Linear | None:
        """The measure's weights and normaliser, if it has that form."""
        return self.values if isinstance(self.values, Linear) else None


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient; 0 where the denominator is 0."""
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    return np.asarray(np.divide(numerator, denominator, out=np.zeros(shape), where=np.asarray(denominator) > 0))


def array_measure(text: str, where: str = "params.yaml: fitness.measure") -> ArrayMeasure:
    """The array form of a measure.

    Raises:
        ProblemsError: `text` is no measure.
        FieldguideError: the measure has no array form; names those that have.
    """
    measure = parse_measures([text], where)[0]
    cutoff = measure.params.get("cutoff")
    make = _MADE.get(measure.NAME)
    if make is None or set(measure.params) - {"cutoff"}:
        allowed = ", ".join(sorted(_MADE))
        raise FieldguideError(f"{where}: {text!r} cannot be simulated; allowed: {allowed}, with or without @k")
    return ArrayMeasure(text, cutoff, make(cutoff))


def _ndcg(cutoff: int | None) -> Linear:
    """Järvelin and Kekäläinen, TOIS 20(4), 2002; trec_eval's gain is the grade and its discount log2(rank + 1)."""

    @cache
    def weights(n: int) -> Floats:
        ranks = np.arange(1, n + 1)
        return np.where(ranks <= (cutoff or n), 1 / np.log2(ranks + 1), 0.0)

    def best(gains: Floats) -> Floats:
        return np.asarray((gains * weights(gains.shape[-1])).sum(axis=-1))

    return Linear(weights, best, graded=True)


def _precision(cutoff: int | None) -> Linear:
    return Linear(_first(cutoff), lambda gains: np.full(gains.shape[:-1], float(cutoff or 1)), graded=False)


def _recall(cutoff: int | None) -> Linear:
    return Linear(_first(cutoff), lambda gains: np.asarray(gains.sum(axis=-1)), graded=False)


def _first(cutoff: int | None) -> Callable[[int], Floats]:
    return lambda n: (np.arange(n) < (cutoff or n)).astype(np.float64)


def _success(cutoff: int | None) -> Callable[[Grades, Grades], Floats]:
    return lambda ranked, ideal: np.asarray((ranked[..., :cutoff] > 0).any(axis=-1), dtype=np.float64)


def _average_precision(cutoff: int | None) -> Callable[[Grades, Grades], Floats]:
    def values(ranked: Grades, ideal: Grades) -> Floats:
        relevant = ranked[..., :cutoff] > 0
        precision = relevant.cumsum(axis=-1) / np.arange(1, relevant.shape[-1] + 1)
        return ratio((precision * relevant).sum(axis=-1), (ideal > 0).sum(axis=-1).astype(np.float64))

    return values


def _reciprocal_rank(cutoff: int | None) -> Callable[[Grades, Grades], Floats]:
    def values(ranked: Grades, ideal: Grades) -> Floats:
        relevant = ranked[..., :cutoff] > 0
        return np.asarray((relevant / np.arange(1, relevant.shape[-1] + 1)).max(axis=-1, initial=0.0))

    return values


_MADE: dict[str, Callable[[int | None], Callable[[Grades, Grades], Floats]]] = {
    "nDCG": _ndcg,
    "P": _precision,
    "R": _recall,
    "Success": _success,
    "AP": _average_precision,
    "RR": _reciprocal_rank,
}
