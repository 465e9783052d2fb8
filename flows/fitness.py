"""Ask whether the collection is fit to measure with: `python -m flows.fitness`."""

from fieldguide.runtime.stage import Run, stage


@stage
def fitness(run: Run) -> None:
    """Write data/evaluation/fitness.json and print what was found."""
    from dataclasses import asdict

    from fieldguide.cli.tables import show
    from fieldguide.evaluation.fitness.assess import assess, write_fitness
    from fieldguide.evaluation.fitness.findings import COLUMNS
    from fieldguide.evaluation.judged import JudgedBenchmark

    params = run.params
    benchmark = JudgedBenchmark(run.paths, params.retrieve.systems)
    found = assess(benchmark, params.fitness, params.evaluate, params.pool.systems, params.systems, run.track)
    write_fitness(run.paths.fitness, found)
    show(map(asdict, found.findings), COLUMNS)


if __name__ == "__main__":
    fitness.main()
