"""Rewrite subtopics as phrases to be drawn: `python -m flows.rewrite`."""

from fieldguide.runtime.stage import Run, stage


@stage
def rewrite(run: Run) -> None:
    """Write data/phrases/phrases.jsonl; print counts."""
    from fieldguide.queries.rewriting.rewriting import rewrite as rewrite_topics

    for line in rewrite_topics(run.params.rewrite, run.paths, run.track).lines():
        print(line)


if __name__ == "__main__":
    rewrite.main()
