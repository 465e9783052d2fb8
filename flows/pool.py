"""Pool the systems' best images for judging: `python -m flows.pool`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.retrieval.pooling.section import Pool
from fieldguide.runtime.step import run


@flow
def pool(pool: Pool) -> None:
    """Write data/pools/pools.parquet."""
    from fieldguide.records.judgments import POOLS
    from fieldguide.records.runs import read_run
    from fieldguide.retrieval.pooling.pool import make_pools
    from fieldguide.retrieval.systems.collection import Collection

    paths = Paths()
    collection = Collection(paths)
    runs = {name: read_run(paths.run("fullrank", name)) for name in pool.systems}
    subtopics = [subtopic.subtopic_id for subtopic in collection.subtopics]
    pools = make_pools(pool, runs, subtopics, collection.gallery)
    POOLS.write(paths.pools, pools)
    sizes = pools.groupby("subtopic_id").size()
    print(
        f"{len(pools)} images to judge for {len(subtopics)} subtopics "
        f"({sizes.min()} to {sizes.max()} each), {int(pools['sampled'].sum())} of them sampled at random"
    )


if __name__ == "__main__":
    run(pool)
