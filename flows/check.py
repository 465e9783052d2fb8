"""Check every table that leaves the house: `python -m flows.check`."""

from prefect import flow

from fieldguide.annotation.judgments.section import Adjudicate
from fieldguide.checks.expectations.section import Check
from fieldguide.core.paths import Paths
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.retrieval.ranking.section import Retrieve
from fieldguide.runtime import artifacts
from fieldguide.runtime.progress import show_progress
from fieldguide.runtime.step import run


@flow
def check(check: Check, adjudicate: Adjudicate, retrieve: Retrieve, visualize: Visualize) -> None:
    """Write data/checks/checks.json; a failed expectation stops the build and names rows."""
    from fieldguide.checks.expectations.run import check as run_checks
    from fieldguide.checks.expectations.run import write_checks

    paths, people = Paths(), adjudicate.judge == "log"
    outcomes = run_checks(check, visualize.drawn, people, retrieve.systems, paths, show_progress)
    warned = [outcome for outcome in outcomes if not outcome.success and outcome.severity == "warning"]
    for outcome in warned:
        shown = "; ".join(outcome.rows[:3])
        print(f"warning: {outcome.table}: expected: {outcome.expectation}; {outcome.unexpected} at fault: {shown}")
    found = [{"table": o.table, "expected": o.expectation, "at fault": o.unexpected} for o in warned]
    artifacts.table("checks", found, f"{len(outcomes)} expectations, {len(warned)} warnings.")
    write_checks(paths, outcomes)
    print(f"{len(outcomes)} expectations, {len(warned)} warnings, none failed")


if __name__ == "__main__":
    run(check)
