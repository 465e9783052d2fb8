"""Rank the whole gallery with one system: `python -m flows.retrieve SYSTEM` (track fullrank)."""

from flows.stage import Run, stage


@stage
def retrieve(run: Run, system: str) -> None:
    """Write data/runs/fullrank/SYSTEM.trec; print what an index missed where there is one."""
    from fieldguide.retrieval.runs import write_run
    from fieldguide.retrieval.systems import Collection, exact, indexed, run_system

    collection, values = Collection(run.places), run.params.retrieve
    cache = run.places.cache / "indexes"
    search = indexed(values.index, values.depth, cache, tell=print) if values.index else exact
    lines = list(run_system(system, run.params.system(system), collection, depth=values.depth, search=search))
    write_run(run.places.run("fullrank", system), lines)
    ranked = len({line.subtopic_id for line in lines})
    print(f"{system}: {ranked} of {len(collection.subtopics)} subtopics over {len(collection.gallery)} images")


if __name__ == "__main__":
    retrieve.main()
