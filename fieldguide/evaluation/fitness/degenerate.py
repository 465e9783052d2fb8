"""Rankings that ignore what the images show: do they score as chance does?

Scores of random orders are drawn, with another order for each subtopic or with one order of all images for all; the
expected score is exact (`measures.chance`). A ranking that does not depend on the question (constant score, order of
the files, smallest file first) is held against one order for all: its scores vary more, since questions share images.
If such a ranking lies outside the interval, something other than the content goes with relevance. Ranking by
popularity (images that are pooled for many other topics first) may lie below. The best system's ranking, reversed, must
not lie above chance. A real system within the interval of an order for each subtopic is no better than chance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fieldguide.evaluation.fitness.arrays import ArrayMeasure, Floats
from fieldguide.evaluation.fitness.board import Board, Case, Indices
from fieldguide.evaluation.fitness.noise import generator
from fieldguide.evaluation.measures import chance as exact
from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.records.runs import ranking

REVERSED = " reversed"
Verdict = Literal["as chance", "above chance", "below chance"]


@dataclass(frozen=True)
class Facts:
    """Facts about images that say nothing of their content.

    Attributes:
        position: place of the image in its source; what is not there comes last.
        size: bytes of the file.
        pooled: topics whose pools hold the image.
    """

    position: Mapping[str, int]
    size: Mapping[str, int]
    pooled: Mapping[str, Collection[str]]


Ranker = Callable[[Sequence[str], str, Facts], Floats]
"""(images, topic_id, facts) to one score an image; equal scores are ordered as in any run."""


def constant(images: Sequence[str], topic_id: str, facts: Facts) -> Floats:
    """The same score for all: the order is that of ties."""
    return np.zeros(len(images))


def file_order(images: Sequence[str], topic_id: str, facts: Facts) -> Floats:
    """The images in the order of their source."""
    last = len(facts.position)
    return -np.array([facts.position.get(image, last) for image in images], dtype=np.float64)


def smallest_file(images: Sequence[str], topic_id: str, facts: Facts) -> Floats:
    """Fewest bytes first; images without a known size come last."""
    return -np.array([facts.size.get(image, np.inf) for image in images], dtype=np.float64)


def popularity(images: Sequence[str], topic_id: str, facts: Facts) -> Floats:
    """First the images that are in the pools of most other topics."""
    pooled = [facts.pooled.get(image, ()) for image in images]
    return np.array([len(topics) - (topic_id in topics) for topics in pooled], dtype=np.float64)


RANKERS: Mapping[str, Ranker] = {
    "constant": constant,
    "file-order": file_order,
    "smallest-file": smallest_file,
    "popularity": popularity,
}

# An image that many topics pool is less often one that a single topic asks for.
_FINE = {("popularity", "below chance")}


@dataclass(frozen=True)
class Chance:
    """Scores of random orders: mean and interval over draws, and the exact expectation where there is one."""

    mean: float
    low: float
    high: float
    expected: float | None

    def verdict(self, score: float) -> Verdict:
        """Whether a score is within the interval, its ends included, or outside it."""
        if score > self.high + 1e-9:
            return "above chance"
        return "below chance" if score < self.low - 1e-9 else "as chance"


@dataclass(frozen=True)
class BesideChance:
    """A system's score beside chance. `expected`: theory allows this verdict."""

    system: str
    score: float
    verdict: Verdict
    expected: bool


@dataclass(frozen=True)
class Degenerate:
    """One board's systems, and rankings that ignore what images show, beside random orders.

    Attributes:
        draws: of random orders.
        independent: another random order for each subtopic.
        shared: one random order of all images for all subtopics.
        degenerate: the rankings of RANKERS, and the best system's reversed.
        real: the board's systems; of them those in `by_chance` are random by intent.
    """

    draws: int
    independent: Chance
    shared: Chance
    degenerate: tuple[BesideChance, ...]
    real: tuple[BesideChance, ...]


def degenerate(
    board: Board,
    measure: ArrayMeasure,
    facts: Facts,
    by_chance: Collection[str],
    draws: int,
    confidence: float,
    seed: int,
) -> Degenerate:
    """Score the rankings that ignore what images show, and every real system, against random orders.

    The interval of shared orders is widened for the number of rankings that are held against it (Bonferroni).
    """
    alone = chance(board, measure, draws, confidence, seed, shared=False)
    shared = chance(board, measure, draws, 1 - (1 - confidence) / len(RANKERS), seed, shared=True)
    means = board.means(measure)
    placed = []
    for name, ranker in RANKERS.items():
        score = float(np.mean([case.value(measure, ranked(case, ranker, facts)) for case in board.cases]))
        verdict = shared.verdict(score)
        placed.append(BesideChance(name, score, verdict, verdict == "as chance" or (name, verdict) in _FINE))
    real = [name for name in board.systems if name not in by_chance]
    if real:
        best = max(real, key=lambda name: (means[name], name))
        score = float(np.mean([case.value(measure, upside_down(case, best)) for case in board.cases]))
        verdict = alone.verdict(score)
        placed.append(BesideChance(f"{best}{REVERSED}", score, verdict, verdict != "above chance"))
    rows = []
    for name, score in sorted(means.items(), key=lambda item: (-item[1], item[0])):
        verdict = alone.verdict(score)
        rows.append(
            BesideChance(name, score, verdict, verdict == ("as chance" if name in by_chance else "above chance"))
        )
    return Degenerate(draws, alone, shared, tuple(placed), tuple(rows))


def ranked(case: Case, ranker: Ranker, facts: Facts) -> Indices:
    """The case's candidates as a ranker orders them, cut off where the deepest real ranking ends."""
    inside = np.flatnonzero(case.candidates)
    images = [case.images[index] for index in inside]
    return inside[ranking(ranker(images, case.topic_id, facts), images)][: case.depth]


def upside_down(case: Case, system: str) -> Indices:
    """A system's ranking reversed: what it did not rank comes before its last image, in the order of ties."""
    found = case.rankings[system]
    rest = np.setdiff1d(np.flatnonzero(case.candidates), found)[::-1]
    return np.concatenate([rest, found[::-1]])[: case.depth]


def chance(
    board: Board,
    measure: ArrayMeasure,
    draws: int,
    confidence: float,
    seed: int,
    *,
    shared: bool,
) -> Chance:
    """Scores of `draws` random orders of the candidates."""
    names = sorted({image for case in board.cases for image in case.images})
    number = {image: index for index, image in enumerate(names)}
    common = generator(seed, "shared").random((draws, len(names)), dtype=np.float32) if shared else None
    total = np.zeros(draws)
    last: tuple[list[int], int] | None = None
    for case in board.cases:
        inside = np.flatnonzero(case.candidates)
        count = min(case.depth, measure.cutoff or len(inside))
        if common is None:
            keys = generator(seed, case.subtopic_id).random((draws, len(inside)), dtype=np.float32)
            first = _smallest(keys, count)
        elif last != (asked := ([number[case.images[index]] for index in inside], count)):
            # Of the whole gallery every subtopic has the same candidates, so that one order serves all.
            first, last = _smallest(common[:, asked[0]], count), asked
        total += measure.values(case.grades[inside][first], case.ideal)
    means = total / len(board.cases)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, (tail, 1 - tail)).tolist()
    return Chance(float(means.mean()), low, high, expectation(board, measure))


def expectation(board: Board, measure: ArrayMeasure) -> float | None:
    """Exact expected score of a random order of the candidates.

    None where no formula is known, where rankings end before the measure does, or where images are judged that
    this track does not rank.
    """
    parsed = parse_measures([measure.name])[0]
    if not exact.computable(parsed):
        return None
    values = []
    for case in board.cases:
        inside = case.candidates
        if case.depth < min(measure.cutoff or len(inside), int(inside.sum())) or (case.judged & ~inside).any():
            return None
        grades = zip(case.grades[inside].tolist(), case.judged[inside].tolist(), strict=True)
        values.append(exact.expected(parsed, [grade if judged else None for grade, judged in grades]))
    return float(np.mean(values))


def _smallest(keys: npt.NDArray[np.float32], count: int) -> Indices:
    """(draws, count) places of each row's smallest keys, in rising order."""
    if count < keys.shape[1]:
        near = np.argpartition(keys, count - 1, axis=1)[:, :count] if count else np.empty((len(keys), 0), np.intp)
    else:
        near = np.broadcast_to(np.arange(keys.shape[1]), keys.shape)
    order = np.argsort(np.take_along_axis(keys, near, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(near, order, axis=1))
