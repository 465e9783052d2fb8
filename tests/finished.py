"""A benchmark in miniature with everything that report, release and lineage read."""

from __future__ import annotations

from pathlib import Path

from fieldguide.benchmark import Benchmark
from fieldguide.evaluation.evaluate import evaluate, write_evaluation
from fieldguide.evaluation.fidelity import measure_fidelity, write_fidelity
from fieldguide.evaluation.fitness.assess import assess, write_fitness
from fieldguide.files import write_json
from fieldguide.params import Params
from fieldguide.places import Places
from tests.builders import tiny_benchmark, tiny_params

CHECKS = [
    {"table": "images", "expectation": "image_id is unique", "severity": "error", "success": True,
     "unexpected": 0, "rows": []},
    {"table": "duplicates", "expectation": "none across splits", "severity": "warning", "success": False,
     "unexpected": 1, "rows": ["0123"]},
]  # fmt: skip


def finished_benchmark(root: Path, params: Params | None = None) -> Places:
    """`tiny_benchmark` with checks and evaluation."""
    params = params or tiny_params()
    places = tiny_benchmark(root, params)
    finish(places, params)
    return places


def finish(places: Places, params: Params) -> None:
    """Add checks.json and the evaluation to what is there."""
    write_json(places.checks / "checks.json", {"checks": CHECKS})
    write_evaluation(places.evaluation, evaluate(params, places))
    write_fidelity(places.fidelity, measure_fidelity(places, params.fidelity))
    write_fitness(places.fitness, assess(Benchmark(places, params)))
