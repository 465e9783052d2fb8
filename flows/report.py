"""Pages with what was measured, on what, and what it is worth: `python -m flows.report`."""

from prefect import flow

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.runtime import artifacts
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def report(params: Params) -> None:
    """Write data/report/, whose first page is index.html."""
    from fieldguide.publishing.report.page import write_report

    paths = Paths()
    summary = write_report(params, paths, show_progress)
    size = f"{summary.size / 1e6:.1f} MB of pages"
    print(f"report: {paths.report} ({summary.topics} topics, {size}, {summary.images} images)")
    artifacts.link("report", paths.report, "The report of this build.")


if __name__ == "__main__":
    run(report)
