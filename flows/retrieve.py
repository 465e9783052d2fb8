"""Rank the whole gallery with one system: `python -m flows.retrieve SYSTEM` (track fullrank)."""

from flows.stage import Run, stage


@stage
def retrieve(run: Run, system: str) -> None:
    """Write data/runs/fullrank/SYSTEM.trec."""
    from fieldguide.retrieval.runs import write_run
    from fieldguide.retrieval.systems import Collection, run_system

    collection = Collection(run.places)
    lines = list(
        run_system(system, run.params.system(system), collection, depth=run.params.retrieve.depth)
    )  # fmt: skip
    write_run(run.places.run("fullrank", system), lines)
    ranked = len({line.subtopic_id for line in lines})
    print(f"{system}: {ranked} of {len(collection.subtopics)} subtopics over {len(collection.gallery)} images")


if __name__ == "__main__":
    retrieve.main()
