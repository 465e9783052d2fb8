"""Read, check and pack the photographs: `python -m flows.ingest`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.corpus.ingest.section import Ingest
from fieldguide.runtime.fanout import on_cluster, spread
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def ingest(ingest: Ingest) -> None:
    """Write data/corpus/; print what was kept, merged, linked and refused."""
    from fieldguide.corpus.ingest.ingest import ingest as ingest_sources

    paths = Paths()
    if on_cluster():
        summary = ingest_sources(ingest, paths, show_progress, spread, threads=1)
    else:  # threads inspect the files of a part together, and one part comes after the other
        summary = ingest_sources(ingest, paths, show_progress)
    for line in summary.lines():
        print(line)
    if summary.rejected:
        print(f"reasons, file by file: {paths.rejected}")


if __name__ == "__main__":
    run(ingest)
