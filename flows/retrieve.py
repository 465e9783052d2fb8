"""Rank the whole gallery with every system: `python -m flows.retrieve` (track fullrank)."""

from typing import Any

from prefect import flow, task

from fieldguide.core.paths import Paths
from fieldguide.evaluation.probing.section import Probe
from fieldguide.retrieval.ranking.section import Retrieve
from fieldguide.retrieval.systems.sections.systems import System
from fieldguide.runtime.fanout import each
from fieldguide.runtime.step import run


@task(task_run_name="{name}")
def rank(name: str, section: System, collection: Any, retrieve: Retrieve) -> Any:
    """Write data/runs/fullrank/NAME.trec and data/runs/search/NAME.json, what an index missed if any."""
    from fieldguide.retrieval.ranking.kept import SearchTrack, rank_system

    return rank_system(name, section, collection, SearchTrack("fullrank", retrieve))


@flow
def retrieve(retrieve: Retrieve, systems: dict[str, System], probe: Probe) -> None:
    """Rank with every system of `retrieve.systems`; what has not changed since it was ranked is not ranked again."""
    from fieldguide.retrieval.ranking.kept import write_ranked
    from fieldguide.retrieval.systems.collection import SearchCollection

    write_ranked(Paths(), retrieve.systems, systems, probe.systems)
    collection = SearchCollection(Paths())
    for done in each(rank, [(name, systems[name], collection, retrieve) for name in retrieve.systems]):
        print(*done.recalls, sep="\n", end="\n" * bool(done.recalls))
        ranked = f"{done.subtopics} of {len(collection.subtopics)} subtopics over {len(collection.gallery)} images"
        print(f"{done.name}: {ranked}{' (as ranked before)' * done.kept}")


if __name__ == "__main__":
    run(retrieve)
