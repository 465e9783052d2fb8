"""Ask whether the collection is fit to measure with: `python -m flows.fitness`."""

from flows.stage import Run, stage


@stage
def fitness(run: Run) -> None:
    """Write data/evaluation/fitness.json and print what was found."""
    from dataclasses import asdict

    from fieldguide.benchmark import Benchmark
    from fieldguide.evaluation.fitness.assess import assess, write_fitness
    from fieldguide.evaluation.fitness.findings import COLUMNS
    from flows.tables import show

    found = assess(Benchmark(run.places, run.params), run.track)
    write_fitness(run.places.fitness, found)
    show(map(asdict, found.findings), COLUMNS)


if __name__ == "__main__":
    fitness.main()
