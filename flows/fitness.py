"""Ask whether the collection is fit to measure with: `python -m flows.fitness`."""

from dataclasses import asdict

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.evaluation.fitness.section import Fitness
from fieldguide.evaluation.section import Evaluate
from fieldguide.retrieval.pooling.section import Pool
from fieldguide.retrieval.ranking.section import Retrieve
from fieldguide.retrieval.systems.sections.systems import System
from fieldguide.runtime import artifacts
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run
from fieldguide.runtime.tables import show


@flow
def fitness(fitness: Fitness, evaluate: Evaluate, pool: Pool, retrieve: Retrieve, systems: dict[str, System]) -> None:
    """Write data/evaluation/fitness.json and print what was found."""
    from fieldguide.evaluation.fitness.assess import assess, write_fitness
    from fieldguide.evaluation.fitness.findings import COLUMNS
    from fieldguide.evaluation.judged import JudgedBenchmark

    paths = Paths()
    benchmark = JudgedBenchmark(paths, retrieve.systems)
    found = assess(benchmark, fitness, evaluate, pool.systems, systems, show_progress)
    write_fitness(paths.fitness, found)
    rows = [asdict(finding) for finding in found.findings]
    artifacts.table("fitness", rows, "Is the collection fit to measure with?")
    show(rows, COLUMNS)


if __name__ == "__main__":
    run(fitness)
