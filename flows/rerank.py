"""Rank each subtopic's own pool with every system: `python -m flows.rerank` (track rerank)."""

from typing import Any

from prefect import flow, task

from fieldguide.core.paths import Paths
from fieldguide.retrieval.ranking.section import Retrieve
from fieldguide.retrieval.systems.sections.systems import System
from fieldguide.runtime.fanout import each
from fieldguide.runtime.step import run


@task(task_run_name="{name}")
def rank_pools(name: str, section: System, collection: Any, pools: dict[str, list[str]]) -> Any:
    """Write data/runs/rerank/NAME.trec."""
    from fieldguide.retrieval.ranking.kept import SearchTrack, rank_system

    return rank_system(name, section, collection, SearchTrack("rerank", pools=pools))


@flow
def rerank(retrieve: Retrieve, systems: dict[str, System]) -> None:
    """Rank with every system of `retrieve.systems`; what has not changed since it was ranked is not ranked again."""
    from fieldguide.records.judgments import POOLS
    from fieldguide.retrieval.pooling.pool import pools_by_subtopic
    from fieldguide.retrieval.systems.collection import SearchCollection

    paths = Paths()
    pools, collection = pools_by_subtopic(POOLS.read(paths.pools)), SearchCollection(paths)
    for done in each(rank_pools, [(name, systems[name], collection, pools) for name in retrieve.systems]):
        ranked = f"{done.subtopics} of {len(pools)} pools, {done.images} images ranked"
        print(f"{done.name}: {ranked}{' (as ranked before)' * done.kept}")


if __name__ == "__main__":
    run(rerank)
