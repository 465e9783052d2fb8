"""Put questions about groups of entities: `python -m flows.compose`."""

from fieldguide.runtime.stage import Run, stage


@stage
def compose(run: Run) -> None:
    """Write data/topics/; print how they are balanced and why others were refused."""
    from fieldguide.queries.topics.compose import compose as compose_topics

    for line in compose_topics(run.params.compose, run.paths, run.track).lines():
        print(line)
    print(f"refusals one by one: {run.paths.refused_topics}")


if __name__ == "__main__":
    compose.main()
