"""Rewrite subtopics as phrases to be drawn, and take them apart: `python -m flows.phrase`."""

from prefect import flow, task

from fieldguide.core.paths import Paths
from fieldguide.queries.rewriting.section import Decompose, Rewrite
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.services import ASKS_A_SERVICE
from fieldguide.runtime.step import once, run


@task(**ASKS_A_SERVICE)
def rewrite_topics(section: Rewrite, paths: Paths) -> list[str]:
    """Answers that came are kept: a retry asks only what is missing."""
    from fieldguide.queries.rewriting.rewriting import rewrite as rewrite_all

    return list(rewrite_all(section, paths, show_progress).lines())


@flow
def phrase(rewrite: Rewrite, decompose: Decompose) -> None:
    """Write phrases.jsonl, expansions.jsonl and components.jsonl of data/texts/; print counts."""
    from fieldguide.queries.rewriting.decomposing import decompose as take_apart

    paths = Paths()
    print(*once(rewrite_topics, rewrite, paths), sep="\n")
    components = take_apart(decompose, paths)
    print(f"{len(components)} components, {len({c.text for c in components})} of them different")


if __name__ == "__main__":
    run(phrase)
