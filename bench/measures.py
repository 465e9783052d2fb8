"""`python -m bench.measures`: scoring runs beside pytrec_eval alone on the same data, in one process, by turns.

1,000 subtopics of 1,000 images, 10 systems, 5 measures. pytrec_eval is given its dictionaries ready-made, and only its
own calls are timed; ours starts from the table that `read_run` gives and ends with a list of scores. Seconds are the
processor's, of one thread each; read the ratio.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytrec_eval

from fieldguide.evaluation.measures.parsing import parse_measures
from fieldguide.evaluation.measures.scoring import RunScorer, Score

THEIRS = {"nDCG@10": "ndcg_cut_10", "P@10": "P_10", "R@30": "recall_30", "AP": "map", "RR": "recip_rank"}
OURS = ("visret_nDCG@10", "hit@10", "inquire_AP@50", "revisitop_AP", "both_entities@10")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    done = work()
    return time.process_time() - start, done


def subtopics(count: int) -> list[str]:
    return [f"t{number // 2:04}.e{number % 2 + 1}" for number in range(count)]


def qrels(topics: int, images: Sequence[str], rng: np.random.Generator) -> pd.DataFrame:
    """A tenth of the images relevant."""
    grades = (rng.random(topics * len(images)) < 0.1).astype(np.int64)
    names = np.repeat(subtopics(topics), len(images))
    return pd.DataFrame({"subtopic_id": names, "image_id": list(images) * topics, "grade": grades})


def run(topics: int, images: Sequence[str], rng: np.random.Generator) -> pd.DataFrame:
    """A random run without ties, as `read_run` gives it."""
    scores = np.arange(len(images), 0, -1) + rng.random((topics, len(images)), dtype=np.float32) / 2
    orders = np.array([rng.permutation(len(images)) for _ in range(topics)])
    frame = {
        "subtopic_id": np.repeat(subtopics(topics), len(images)),
        "image_id": np.asarray(images)[orders.ravel()],
        "rank": np.tile(np.arange(1, len(images) + 1), topics),
        "score": scores.ravel().astype(np.float64),
        "system": "bench",
    }
    return pd.DataFrame(frame)


def nested(frame: pd.DataFrame, column: str) -> dict[str, dict[str, float]]:
    """What pytrec_eval is given."""
    whole: dict[str, dict[str, float]] = {}
    for subtopic, image, value in zip(frame["subtopic_id"], frame["image_id"], frame[column].tolist(), strict=True):
        whole.setdefault(subtopic, {})[image] = value
    return whole


def check(ours: list[Score], theirs: dict[str, dict[str, float]]) -> None:
    """A figure of wrong numbers would be worth nothing."""
    wrong = [s for s in ours if abs(s.value - theirs[s.subtopic_id][THEIRS[s.measure]]) > 1e-9]
    if wrong:
        raise SystemExit(f"scores differ from pytrec_eval's: {wrong[:3]}")


def main(topics: int = 1000, depth: int = 1000, systems: int = 10) -> None:
    """Print seconds, the ratio and the most memory that the process held."""
    rng = np.random.default_rng(0)
    images = [f"image{number:06}" for number in range(depth)]
    judged = qrels(topics, images, rng)
    graded = nested(judged, "grade")
    own, scorer = timed(lambda: RunScorer(parse_measures(list(THEIRS)), judged))
    their, evaluator = timed(lambda: pytrec_eval.RelevanceEvaluator(graded, set(THEIRS.values())))
    print(f"{topics:,} subtopics x {depth:,} images x {systems} systems, {len(THEIRS)} measures: {' '.join(THEIRS)}")
    print(f"{'':<24}{'ours':>8}{'theirs':>8}{'ratio':>7}")
    print(f"{'reading the judgments':<24}{own:>7.2f}s{their:>7.2f}s{own / their:>7.2f}")
    sums, prepared = np.zeros(2), np.array([own, their])
    further = RunScorer(parse_measures(OURS), judged)
    seconds_further = 0.0
    for number in range(systems):
        frame = run(topics, images, rng)
        scores = nested(frame, "score")
        jobs: list[Callable[[], object]] = [lambda f=frame: scorer.score(f), lambda s=scores: evaluator.evaluate(s)]
        found: list[object] = [None, None]
        for place in (0, 1) if number % 2 else (1, 0):
            seconds, found[place] = timed(jobs[place])
            sums[place] += seconds
        check(*found)  # type: ignore[arg-type]
        seconds_further += timed(lambda f=frame: further.score(f))[0]
    print(f"{'scoring the runs':<24}{sums[0]:>7.2f}s{sums[1]:>7.2f}s{sums[0] / sums[1]:>7.2f}")
    whole = sums + prepared
    print(f"{'in all':<24}{whole[0]:>7.2f}s{whole[1]:>7.2f}s{whole[0] / whole[1]:>7.2f}")
    print(f"{'5 of our own measures':<24}{seconds_further:>7.2f}s{sums[1]:>7.2f}s{seconds_further / sums[1]:>7.2f}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"most memory, pytrec_eval's dictionaries included: {memory:.2f} GiB")


if __name__ == "__main__":
    main()
