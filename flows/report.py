"""One HTML file with what was measured, on what, and what it is worth: `python -m flows.report`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.runtime import artifacts
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def report(params: Params) -> None:
    """Write data/report/index.html."""
    from fieldguide.publishing.report.page import write_report

    paths = Paths()
    summary = write_report(params, paths, show_progress)
    size = f"{summary.size / 1e6:.1f} MB"
    print(f"report: {paths.report} ({summary.topics} topics, {summary.images} thumbnails, {size})")
    artifacts.link("report", paths.report, "The report of this build.")


if __name__ == "__main__":
    run(report)
