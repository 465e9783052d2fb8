"""Pool the systems' best images for judging: `python -m flows.pool`."""

from fieldguide.runtime.stage import Run, stage


@stage
def pool(run: Run) -> None:
    """Write data/pools/pools.parquet."""
    from fieldguide.records.judgments import POOLS
    from fieldguide.records.runs import read_run
    from fieldguide.retrieval.pooling.pool import make_pools
    from fieldguide.retrieval.systems.collection import SearchCollection

    collection = SearchCollection(run.paths)
    runs = {name: read_run(run.paths.run("fullrank", name)) for name in run.params.pool.systems}
    subtopics = [subtopic.subtopic_id for subtopic in collection.subtopics]
    pools = make_pools(run.params.pool, runs, subtopics, collection.gallery)
    POOLS.write(run.paths.pools, pools)
    sizes = pools.groupby("subtopic_id").size()
    print(
        f"{len(pools)} images to judge for {len(subtopics)} subtopics "
        f"({sizes.min()} to {sizes.max()} each), {int(pools['sampled'].sum())} of them sampled at random"
    )


if __name__ == "__main__":
    pool.main()
