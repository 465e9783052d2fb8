"""Put questions about groups of entities: `python -m flows.compose`."""

from prefect import flow, task

from fieldguide.checks.expectations.section import Check
from fieldguide.core.paths import Paths
from fieldguide.queries.topics.section import Compose
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.services import ASKS_A_SERVICE
from fieldguide.runtime.step import once, run


@task(**ASKS_A_SERVICE)
def compose_topics(section: Compose, most: float, paths: Paths) -> list[str]:
    """Answers that came are kept: a retry asks only what is missing."""
    from fieldguide.queries.topics.compose import compose as compose_all

    return list(compose_all(section, most, paths, show_progress).lines())


@flow
def compose(compose: Compose, check: Check) -> None:
    """Write data/topics/; print how they are balanced and why others were refused."""
    paths = Paths()
    print(*once(compose_topics, compose, check.max_answer_share, paths), sep="\n")
    print(f"refusals one by one: {paths.refused_topics}")


if __name__ == "__main__":
    run(compose)
