"""Rank the whole gallery with one system: `python -m flows.retrieve SYSTEM` (track fullrank)."""

from fieldguide.runtime.stage import Run, stage


@stage
def retrieve(run: Run, system: str) -> None:
    """Write data/runs/fullrank/SYSTEM.trec, and data/runs/search/SYSTEM.json with what an index missed if any."""
    from fieldguide.records.runs import IndexRecall, write_run
    from fieldguide.retrieval.systems.collection import SearchCollection
    from fieldguide.retrieval.systems.run import run_system
    from fieldguide.retrieval.systems.searching import exact, indexed, write_recalls

    collection, values = SearchCollection(run.paths), run.params.retrieve
    cache = run.paths.cache / "indexes"
    recalls: list[IndexRecall] = []
    search = indexed(values.index, values.depth, cache, tell=recalls.append) if values.index else exact
    lines = list(run_system(system, run.params.system(system), collection, depth=values.depth, search=search))
    write_run(run.paths.run("fullrank", system), lines)
    write_recalls(run.paths.searched(system), recalls)
    ranked = len({line.subtopic_id for line in lines})
    print(*recalls, sep="\n", end="\n" * bool(recalls))
    print(f"{system}: {ranked} of {len(collection.subtopics)} subtopics over {len(collection.gallery)} images")


if __name__ == "__main__":
    retrieve.main()
