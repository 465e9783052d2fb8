"""Time and memory of the statistics: 20 systems, 500 topics of two subtopics, 10,000 draws.

    python -m bench.statistics

Prints seconds of the intervals of every system, and of every pair (intervals, both tests, Benjamini-Hochberg,
power), and the greatest memory of the process.
"""

from __future__ import annotations

import itertools
import resource
import time

import numpy as np

from fieldguide.evaluation.section import Evaluate
from fieldguide.evaluation.statistics.clusters import clusters
from fieldguide.evaluation.statistics.comparison import compare
from fieldguide.evaluation.statistics.intervals import bounded_interval

SYSTEMS, TOPICS, ENTITIES = 20, 500, 120


def main() -> None:
    rng = np.random.default_rng(0)
    topics = np.repeat(np.arange(TOPICS), 2)
    entities = np.concatenate([rng.choice(ENTITIES, 2, replace=False) for _ in range(TOPICS)])
    hard = rng.random(ENTITIES)[entities][:, None]
    values = np.clip(hard + rng.normal(0, 0.2, (2 * TOPICS, SYSTEMS)) + np.linspace(0, 0.1, SYSTEMS), 0, 1)
    settings = Evaluate(measures=["AP"], headline="AP", baseline="text", seed=3)

    before = _memory()
    start = time.perf_counter()
    data = clusters(values, topics, entities)
    low, high = bounded_interval(data, settings.confidence)
    systems = time.perf_counter() - start
    ours, theirs = zip(*itertools.combinations(range(SYSTEMS), 2), strict=True)
    start = time.perf_counter()
    found = compare(values[:, list(ours)] - values[:, list(theirs)], topics, entities, settings)
    pairs = time.perf_counter() - start
    print(f"{SYSTEMS} systems, {TOPICS} topics: intervals {systems:.2f} s")
    print(f"{len(found)} pairs, {settings.permutations} sign patterns: {pairs:.2f} s")
    print(f"memory {_memory():.0f} MiB, of which {_memory() - before:.0f} since the beginning")
    print(
        f"mean width of an interval {np.mean(high - low):.3f}; {sum(c.q <= settings.alpha for c in found)} pairs differ"
    )


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
