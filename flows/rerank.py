"""Rank each subtopic's own pool with one system: `python -m flows.rerank SYSTEM` (track rerank)."""

from fieldguide.runtime.stage import Run, stage


@stage
def rerank(run: Run, system: str) -> None:
    """Write data/runs/rerank/SYSTEM.trec."""
    from fieldguide.records.judgments import POOLS
    from fieldguide.records.runs import write_run
    from fieldguide.retrieval.pooling.pool import pools_by_subtopic
    from fieldguide.retrieval.systems.collection import SearchCollection
    from fieldguide.retrieval.systems.run import run_system

    pools = pools_by_subtopic(POOLS.read(run.paths.pools))
    collection = SearchCollection(run.paths)
    lines = list(run_system(system, run.params.system(system), collection, pools))
    write_run(run.paths.run("rerank", system), lines)
    print(f"{system}: {len({line.subtopic_id for line in lines})} of {len(pools)} pools, {len(lines)} images ranked")


if __name__ == "__main__":
    rerank.main()
