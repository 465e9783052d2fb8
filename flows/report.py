"""Stage `report`: one HTML file with what was measured, on what, and what it is worth."""

from __future__ import annotations

from fieldguide.runtime.stage import Run, stage


@stage
def report(run: Run) -> None:
    """Write data/report/index.html."""
    from fieldguide.publishing.report.page import write_report

    summary = write_report(run.params, run.paths, run.track)
    print(
        f"report: {run.paths.report} ({summary.topics} topics, {summary.images} thumbnails, "
        f"{summary.size / 1e6:.1f} MB)"
    )


if __name__ == "__main__":
    report.main()
