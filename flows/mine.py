"""Find entities that are easily confused, and what is known of them: `python -m flows.mine`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.queries.mining.section import Mine
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def mine(mine: Mine) -> None:
    """Write data/mined/; print counts, and what sources say that was not taken over."""
    from fieldguide.queries.mining.mine import mine as mine_groups

    for line in mine_groups(mine, Paths(), show_progress).lines():
        print(line)


if __name__ == "__main__":
    run(mine)
