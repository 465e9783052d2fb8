"""Pool the systems' best images for judging: `python -m flows.pool`."""

from fieldguide.runtime.stage import Run, stage


@stage
def pool(run: Run) -> None:
    """Write data/pools/pools.parquet."""
    from fieldguide.retrieval.pooling.pool import pool_runs

    pools = pool_runs(run.params.pool, run.paths)
    sizes = pools.groupby("subtopic_id").size()
    print(
        f"{len(pools)} images to judge for {len(sizes)} subtopics "
        f"({sizes.min()} to {sizes.max()} each), {int(pools['sampled'].sum())} of them sampled at random"
    )


if __name__ == "__main__":
    pool.main()
