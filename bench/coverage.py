"""Do intervals hold the truth, and tests find what they are said to find? Simulated, seeded; about 15 minutes.

    python -m bench.coverage [TRIALS]

Prints the tables of docs/decisions/0011 as Markdown: intervals of means over normal, logistic and 0/1 scores and over
scores drawn from the example's own entities, intervals of differences, and the power at the least difference that is
said to be detectable. Designs: the example's two kinds of questions, many entities, and topics that share an entity by
threes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fieldguide.core.paths import Paths
from fieldguide.evaluation.section import Evaluate
from fieldguide.evaluation.statistics.clusters import Floats, Labels, clusters
from fieldguide.evaluation.statistics.comparison import compare
from fieldguide.evaluation.statistics.intervals import bounded_interval, mean_interval
from fieldguide.evaluation.statistics.resampling import randomisation_test

TRIALS, PATTERNS = 2000, 299
SIZES = ((1.0, 1.0, 1.0), (0.0, 2.0, 0.5))
"""Standard deviations of topics, entities and the rest."""
EVALUATE = Evaluate(measures=["AP"], headline="AP", baseline="text", permutations=99, seed=0)

Design = Callable[[np.random.Generator], tuple[Labels, Labels]]
Draw = Callable[[np.random.Generator, Labels, Labels], Floats]


class Population(NamedTuple):
    """What values are drawn from: `draw` gives one a subtopic, whose expectation is `truth`."""

    name: str
    truth: float
    draw: Draw


def crossed(rng: np.random.Generator) -> tuple[Labels, Labels]:
    """60 topics about 2 or 3 of 14 entities: the example's comparison questions."""
    entities = [rng.choice(14, rng.integers(2, 4), replace=False) for _ in range(60)]
    return np.repeat(np.arange(60), [len(e) for e in entities]), np.concatenate(entities)


def single(_: np.random.Generator) -> tuple[Labels, Labels]:
    """14 topics about an entity each: the example's other questions."""
    return np.arange(14), np.arange(14)


def many(rng: np.random.Generator) -> tuple[Labels, Labels]:
    """50 topics about 2 of 80 entities."""
    return np.repeat(np.arange(50), 2), np.concatenate([rng.choice(80, 2, replace=False) for _ in range(50)])


def threes(_: np.random.Generator) -> tuple[Labels, Labels]:
    """60 topics, three about each of 20 entities."""
    return np.arange(60), np.arange(60) // 3


DESIGNS: dict[str, Design] = {
    "60 topics, 2 or 3 of 14 entities": crossed, "14 topics, one entity each": single,
    "50 topics, 2 of 80 entities": many, "60 topics, 3 about each of 20 entities": threes,
}  # fmt: skip


def normal(middle: float, sizes: Sequence[float]) -> Draw:
    """Topic + entity + rest, each normal."""

    def draw(rng: np.random.Generator, topics: Labels, entities: Labels) -> Floats:
        topic = sizes[0] * rng.normal(size=topics.max() + 1)[topics]
        entity = sizes[1] * rng.normal(size=entities.max() + 1)[entities]
        return np.asarray(middle + topic + entity + sizes[2] * rng.normal(size=len(topics)))

    return draw


def shares(middle: float, sizes: Sequence[float], right_or_wrong: bool) -> Population:
    """Logistic scores, or 0 and 1 with such probabilities."""
    draw = normal(middle, sizes)
    spread = float(np.sqrt(np.square(sizes).sum()))
    truth = float(_logistic(np.random.default_rng(1).normal(middle, spread, 2_000_000)).mean())

    def drawn(rng: np.random.Generator, topics: Labels, entities: Labels) -> Floats:
        values = _logistic(draw(rng, topics, entities))
        return (rng.random(len(values)) < values).astype(np.float64) if right_or_wrong else values

    kind = "0 or 1" if right_or_wrong else "logistic"
    return Population(f"{kind}, {', '.join(f'{size:g}' for size in sizes)}; mean {truth:.2f}", truth, drawn)


def _logistic(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)))


def example(kind: str, minus: str | None = None) -> Iterator[Population]:
    """Each system of the example: its entities are drawn with their scores (or differences), with replacement."""
    from fieldguide.records.scores import SCORES
    from fieldguide.records.topics import read_topics

    paths = Paths()
    entity = {s.subtopic_id: s.entity_id for topic in read_topics(paths.topics) for s in topic.subtopics}
    scores = SCORES.read(paths.evaluation / "scores.parquet")
    rows = scores[(scores["track"] == "fullrank") & (scores["kind"] == kind) & (scores["measure"] == "nDCG@10")]
    wide = rows.pivot_table(index="subtopic_id", columns="system", values="value")
    values = wide if minus is None else wide.drop(columns=minus).sub(wide[minus], axis=0)
    for system in values.columns:
        by_entity = [part.to_numpy() for _, part in values[system].groupby(values.index.map(entity.__getitem__))]
        yield _resampled(str(system), by_entity)


def _resampled(name: str, by_entity: list[Floats]) -> Population:
    def draw(rng: np.random.Generator, topics: Labels, entities: Labels) -> Floats:
        who = rng.integers(0, len(by_entity), size=entities.max() + 1)
        return np.array([rng.choice(by_entity[who[entity]]) for entity in entities])

    return Population(name, float(np.mean([values.mean() for values in by_entity])), draw)


def held(population: Population, design: Design, trials: int, bounded: bool) -> dict[str, tuple[float, float]]:
    """Share of 95 % intervals that hold the truth, and their mean width, by method."""
    rng = np.random.default_rng(7)
    methods = {"bounded": bounded_interval, "t": mean_interval} if bounded else {"t": mean_interval}
    ends = {name: np.empty((trials, 2)) for name in methods}
    for trial in range(trials):
        topics, entities = design(rng)
        data = clusters(population.draw(rng, topics, entities)[:, None], topics, entities)
        for name, method in methods.items():
            ends[name][trial] = np.ravel(method(data, 0.95))
    truth = population.truth
    return {
        name: (float(((low <= truth + 1e-9) & (truth - 1e-9 <= high)).mean()), float((high - low).mean()))
        for name, (low, high) in ((name, found.T) for name, found in ends.items())
    }


def means(trials: int) -> None:
    """Intervals of means."""
    _head("design", "scores; topic, entity, rest", "by Student's t", "decided", "width")
    for name, design in DESIGNS.items():
        made = [Population(f"normal, {', '.join(f'{x:g}' for x in sizes)}", 0.0, normal(0, sizes)) for sizes in SIZES]
        for population in made:
            share, width = held(population, design, trials, bounded=False)["t"]
            _row(name, population.name, share, share, width)
        for sizes in SIZES:
            for middle in (-1.5, 0.5, 1.5, 2.5, 3.5):
                for right_or_wrong in (False, True):
                    population = shares(middle, sizes, right_or_wrong)
                    found = held(population, design, trials, bounded=True)
                    _row(name, population.name, found["t"][0], *found["bounded"])


def resampled(trials: int) -> None:
    """Intervals of the example's own means and differences."""
    _head("question", "system", "mean", "by Student's t", "decided", "width")
    for kind, design in (("comparison", crossed), ("entity", single)):
        for population in example(kind):
            found = held(population, design, trials, bounded=True)
            _row(kind, population.name, population.truth, found["t"][0], *found["bounded"])
    _head("question", "less phrase-trained", "mean", "decided", "width")
    for kind, design in (("comparison", crossed), ("entity", single)):
        for population in example(kind, "phrase-trained"):
            share, width = held(population, design, trials, bounded=False)["t"]
            _row(kind, population.name, population.truth, share, width)


def power(trials: int) -> None:
    """Power at the printed detectable difference (stated: .8), and how far from the truth that is."""
    _head(
        "design",
        "topic, entity, rest",
        "power at the median",
        "power each at its own",
        "median / truth",
        "interval holds",
    )
    for name, design in DESIGNS.items():
        for sizes in ((1, 1, 1), (1, 0, 1), (0, 1, 0.5), (0.3, 0.3, 1)):
            _row(name, ", ".join(f"{size:g}" for size in sizes), *_power(design, normal(0, sizes), trials))


def _power(design: Design, draw: Draw, trials: int) -> tuple[float, float, float, float]:
    rng = np.random.default_rng(5)
    samples, told = [], np.empty((trials, 3))
    for trial in range(trials):
        topics, entities = design(rng)
        values = draw(rng, topics, entities)
        samples.append((values, topics, entities))
        found = compare(values[:, None], topics, entities, EVALUATE)[0]
        told[trial] = [found.detectable or 0.0, found.detectable_low or 0.0, found.detectable_high or 0.0]

    def rejected(shift: Any) -> float:
        p = [
            randomisation_test(clusters((values + by)[:, None], topics, entities), PATTERNS, trial)[0]
            for trial, ((values, topics, entities), by) in enumerate(
                zip(samples, np.broadcast_to(shift, trials), strict=True)
            )
        ]
        return float((np.array(p) <= EVALUATE.alpha).mean())

    median = float(np.median(told[:, 0]))
    steps = np.array([0.85, 1.0, 1.15])
    shares = [rejected(median * step) for step in steps]
    truth = float(np.interp(EVALUATE.power, shares, steps)) * median
    holds = float(((told[:, 1] <= truth) & (truth <= told[:, 2])).mean())
    return shares[1], rejected(told[:, 0]), median / truth, holds


def _head(*names: str) -> None:
    print(f"\n| {' | '.join(names)} |\n|{'---|' * len(names)}")


def _row(*cells: str | float) -> None:
    print(f"| {' | '.join(cell if isinstance(cell, str) else f'{cell:.3f}' for cell in cells)} |", flush=True)


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    means(asked)
    if Path(Paths().evaluation / "scores.parquet").exists():
        resampled(asked)
    power(asked)
