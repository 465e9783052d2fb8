"""Ask whether the collection is fit to measure with: `python -m flows.fitness`."""

from dataclasses import asdict

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.runtime import artifacts
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run
from fieldguide.runtime.tables import show


@flow
def fitness(params: Params) -> None:
    """Write data/evaluation/fitness.json and print what was found."""
    from fieldguide.evaluation.fitness.assess import assess, write_fitness
    from fieldguide.evaluation.fitness.findings import COLUMNS
    from fieldguide.publishing.benchmark import Benchmark

    paths = Paths()
    found = assess(Benchmark(paths, params), show_progress)
    write_fitness(paths.fitness, found)
    rows = [asdict(finding) for finding in found.findings]
    artifacts.table("fitness", rows, "Is the collection fit to measure with?")
    show(rows, COLUMNS)


if __name__ == "__main__":
    run(fitness)
