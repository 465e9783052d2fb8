"""Rank each subtopic's own pool with one system: `python -m flows.rerank SYSTEM` (track rerank)."""

from flows.stage import Run, stage


@stage
def rerank(run: Run, system: str) -> None:
    """Write data/runs/rerank/SYSTEM.trec."""
    from fieldguide.pooling import pools_by_subtopic
    from fieldguide.records import POOLS
    from fieldguide.retrieval.runs import write_run
    from fieldguide.retrieval.systems import Collection, run_system

    pools = pools_by_subtopic(POOLS.read(run.places.pools))
    collection = Collection(run.places)
    lines = list(run_system(system, run.params.system(system), collection, pools))
    write_run(run.places.run("rerank", system), lines)
    print(f"{system}: {len({line.subtopic_id for line in lines})} of {len(pools)} pools, {len(lines)} images ranked")


if __name__ == "__main__":
    rerank.main()
