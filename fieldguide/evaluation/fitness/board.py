"""One leaderboard's rankings and judgments as arrays: what every question about fitness is asked of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fieldguide.evaluation.fitness.arrays import ArrayMeasure, Floats, Grades

Booleans = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Case:
    """One subtopic.

    Attributes:
        images: image_ids, sorted: all that may be ranked, are ranked or are judged.
        candidates: (n,) which of them a system may rank on this track.
        judged: (n,) which of them have a grade.
        grades: (n,) 0 where there is none.
        rankings: each system's images as places in `images`, best first; empty where its run has no line.
    """

    topic_id: str
    subtopic_id: str
    images: tuple[str, ...]
    candidates: Booleans
    judged: Booleans
    grades: Grades
    rankings: Mapping[str, Indices]

    @cached_property
    def ideal(self) -> Grades:
        """(n,) grades sorted falling."""
        return np.sort(self.grades)[::-1]

    @cached_property
    def depth(self) -> int:
        """Images of the deepest ranking."""
        return max((len(ranking) for ranking in self.rankings.values()), default=0)

    @cached_property
    def _together(self) -> Indices:
        """(systems, depth) all rankings; behind the end of one stands n, the place of no image."""
        together = np.full((len(self.rankings), self.depth), len(self.images), dtype=np.intp)
        for row, ranking in zip(together, self.rankings.values(), strict=True):
            row[: len(ranking)] = ranking
        return together

    def values(self, measure: ArrayMeasure, grades: Grades) -> Floats:
        """(systems, ...) values of every ranking, in the order of `rankings`, under each of the labellings `grades`.

        Args:
            measure: what to compute.
            grades: (..., n) grades of the images, 0 where there is none.
        """
        nothing = np.zeros((*grades.shape[:-1], 1), dtype=grades.dtype)
        ranked = np.concatenate([grades, nothing], axis=-1)[..., self._together[:, : measure.cutoff]]
        ideal = -np.sort(-grades, axis=-1)
        return np.moveaxis(measure.values(ranked, ideal[..., None, :]), -1, 0)

    def value(self, measure: ArrayMeasure, ranking: Indices) -> float:
        """The measure of one ranking."""
        return float(measure.values(self.grades[ranking], self.ideal))


@dataclass(frozen=True)
class Board:
    """One track and kind of topic: its cases with a judgment, at least one, each with the systems in their order."""

    track: str
    kind: str
    systems: tuple[str, ...]
    cases: tuple[Case, ...]

    def __post_init__(self) -> None:
        if any(tuple(case.rankings) != self.systems for case in self.cases):
            raise ValueError("every case has the board's systems, in their order")

    @property
    def topics(self) -> int:
        """Number of topics."""
        return len({case.topic_id for case in self.cases})

    @cached_property
    def top_grade(self) -> int:
        """The highest grade that was given, at least 1."""
        return max(1, *(int(case.grades.max(initial=0)) for case in self.cases))

    def values(self, measure: ArrayMeasure) -> Floats:
        """(systems, cases) values of the measure."""
        return np.array([case.values(measure, case.grades) for case in self.cases]).T

    def means(self, measure: ArrayMeasure) -> dict[str, float]:
        """Mean over subtopics, by system."""
        return self.named_means(self.values(measure))

    def named_means(self, values: Floats) -> dict[str, float]:
        """Mean over subtopics of (systems, cases) values, by system."""
        return dict(zip(self.systems, values.mean(axis=1).tolist(), strict=True))


def make_case(
    topic_id: str,
    subtopic_id: str,
    candidates: Iterable[str],
    grades: Mapping[str, int],
    rankings: Mapping[str, Sequence[str]],
) -> Case:
    """A case from names: who may be ranked, grade by judged image, images of each system best first."""
    allowed = set(candidates)
    images = sorted(allowed.union(grades, *rankings.values()))
    place = {image: index for index, image in enumerate(images)}
    return Case(
        topic_id,
        subtopic_id,
        tuple(images),
        np.array([image in allowed for image in images], dtype=np.bool_),
        np.array([image in grades for image in images], dtype=np.bool_),
        np.array([grades.get(image, 0) for image in images], dtype=np.int64),
        {system: np.array([place[i] for i in ranked], dtype=np.intp) for system, ranked in rankings.items()},
    )


def ranks(means: Mapping[str, float]) -> dict[str, int]:
    """Rank of each system, from 1; equal means share the better rank."""
    return {name: 1 + sum(other > mean for other in means.values()) for name, mean in means.items()}


def kendall_tau(first: Mapping[str, float], second: Mapping[str, float]) -> float | None:
    """Kendall's tau-b of two orders of the same systems (Kendall 1945); None where one order is all ties."""
    tau = float(kendall_taus(np.array(list(first.values())), np.array([[second[name]] for name in first]))[0])
    return None if np.isnan(tau) else tau


def kendall_taus(first: Floats, others: Floats) -> Floats:
    """(m,) Kendall's tau-b of one order of n systems, (n,) scores, with m others, (n, m); NaN where one is all ties."""
    agreeing, tied, tied_first = np.zeros(others.shape[1]), np.zeros(others.shape[1]), 0
    for place in range(len(first) - 1):
        ours, theirs = np.sign(first[place] - first[place + 1 :]), np.sign(others[place] - others[place + 1 :])
        agreeing += ours @ theirs
        tied += (theirs == 0).sum(axis=0)
        tied_first += int((ours == 0).sum())
    pairs = len(first) * (len(first) - 1) // 2
    with np.errstate(invalid="ignore"):
        taus = agreeing / np.sqrt(pairs - tied_first) / np.sqrt(pairs - tied)
    # Perfect agreement is 1, and what lies on a threshold is not below it by a rounding error.
    return np.asarray(taus.round(12))
