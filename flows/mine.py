"""Find entities that are easily confused, and what is known of them: `python -m flows.mine`."""

from fieldguide.runtime.stage import Run, stage


@stage
def mine(run: Run) -> None:
    """Write data/mined/; print counts, and what sources say that was not taken over."""
    from fieldguide.queries.mining.mine import mine as mine_groups

    for line in mine_groups(run.params.mine, run.paths, run.track).lines():
        print(line)


if __name__ == "__main__":
    mine.main()
