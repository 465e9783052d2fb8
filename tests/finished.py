"""A benchmark in miniature with everything that report, release and lineage read."""

from __future__ import annotations

from pathlib import Path

from fieldguide.answering.answer import Asking, write_answers
from fieldguide.core.files import write_json
from fieldguide.core.paths import Paths
from fieldguide.evaluation.fidelity.fidelity import measure_fidelity, write_fidelity
from fieldguide.evaluation.fitness.assess import FitnessReport, assess, write_fitness
from fieldguide.evaluation.judged import JudgedBenchmark
from fieldguide.evaluation.leaderboard.evaluate import evaluate, write_evaluation
from fieldguide.evaluation.probing.probes import Reaction, write_probes
from fieldguide.params import Params
from tests.builders import tiny_benchmark, tiny_params

CHECKS = [
    {"table": "images", "expectation": "image_id is unique", "severity": "error", "success": True,
     "unexpected": 0, "rows": []},
    {"table": "duplicates", "expectation": "none across splits", "severity": "warning", "success": False,
     "unexpected": 1, "rows": ["0123"]},
]  # fmt: skip

REACTIONS = [
    Reaction("text", "swap", 1.0, False, 0.5, 0.5, 4),
    Reaction("text", "relative", 0.25, True, 0.5, 0.125, 4),
    Reaction("visret", "drop", 0.75, True, 0.625, 0.375, 4),
]
SETTINGS = {"measure": "nDCG@10", "same": 0.9, "topics": 3}


def finished_benchmark(root: Path, params: Params | None = None) -> Paths:
    """`tiny_benchmark` with checks and evaluation."""
    params = params or tiny_params()
    paths = tiny_benchmark(root, params)
    finish(paths, params)
    return paths


def finish(paths: Paths, params: Params) -> None:
    """Add checks.json and the evaluation to what is there."""
    write_json(paths.checks / "checks.json", {"checks": CHECKS})
    write_evaluation(paths.evaluation, evaluate(params.evaluate, params.retrieve.systems, paths))
    write_fidelity(paths.fidelity, measure_fidelity(paths, params.fidelity))
    write_probes(paths.probes, REACTIONS, [("drop", "t1", "it says nothing of the feature")], SETTINGS)
    write_fitness(paths.fitness, assessed(paths, params))
    answer(paths, params)


def answer(paths: Paths, params: Params) -> None:
    """What stage `answer` writes."""
    asking = Asking(params.answer, params.answerers, paths)
    rows = [row for one in asking.loaded() for context in asking.contexts for row in asking.rows(one, context)]
    write_answers(asking, rows, params.evaluate)


def assessed(paths: Paths, params: Params) -> FitnessReport:
    """What stage `fitness` finds."""
    benchmark = JudgedBenchmark(paths, params.retrieve.systems)
    return assess(benchmark, params.fitness, params.evaluate, params.pool.systems, params.systems)
