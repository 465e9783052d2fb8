"""Stage `ingest`: sources of params.yaml -> data/corpus/."""

from __future__ import annotations

from fieldguide.corpus import ingest as ingest_sources
from flows.stage import Run, stage


@stage
def ingest(run: Run) -> None:
    """Read, check and pack the photographs; print what was kept, merged and refused."""
    summary = ingest_sources(run.params.ingest, run.places, run.track)
    for line in summary.lines():
        print(line)
    if summary.rejected:
        print(f"reasons, file by file: {run.places.rejected}")


if __name__ == "__main__":
    ingest.main()
