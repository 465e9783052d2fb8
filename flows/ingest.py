"""Read, check and pack the photographs: `python -m flows.ingest`."""

from fieldguide.runtime.stage import Run, stage


@stage
def ingest(run: Run) -> None:
    """Write data/corpus/; print what was kept, merged, linked and refused."""
    from fieldguide.corpus.ingest import ingest as ingest_sources

    summary = ingest_sources(run.params.ingest, run.paths, run.track)
    for line in summary.lines():
        print(line)
    if summary.rejected:
        print(f"reasons, file by file: {run.paths.rejected}")


if __name__ == "__main__":
    ingest.main()
