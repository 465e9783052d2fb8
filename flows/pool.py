"""Pool the systems' best images for judging: `python -m flows.pool`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.retrieval.pooling.section import Pool
from fieldguide.runtime.step import run


@flow
def pool(pool: Pool) -> None:
    """Write data/pools/pools.parquet."""
    from fieldguide.retrieval.pooling.pool import pool_runs

    pools = pool_runs(pool, Paths())
    sizes = pools.groupby("subtopic_id").size()
    print(
        f"{len(pools)} images to judge for {len(sizes)} subtopics "
        f"({sizes.min()} to {sizes.max()} each), {int(pools['sampled'].sum())} of them sampled at random"
    )


if __name__ == "__main__":
    run(pool)
