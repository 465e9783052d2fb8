"""Check every table that leaves the house: `python -m flows.check`."""

from fieldguide.runtime.stage import Run, stage


@stage
def check(run: Run) -> None:
    """Write data/checks/checks.json; a failed expectation stops the build and names rows."""
    from fieldguide.checks.expectations.run import check as run_checks
    from fieldguide.checks.expectations.run import write_checks

    params = run.params
    people = params.adjudicate.judge == "log"
    outcomes = run_checks(params.check, params.visualize.images, people, params.retrieve.systems, run.paths)
    warned = [outcome for outcome in outcomes if not outcome.success and outcome.severity == "warning"]
    for outcome in warned:
        shown = "; ".join(outcome.rows[:3])
        print(f"warning: {outcome.table}: expected: {outcome.expectation}; {outcome.unexpected} at fault: {shown}")
    write_checks(run.paths, outcomes)
    print(f"{len(outcomes)} expectations, {len(warned)} warnings, none failed")


if __name__ == "__main__":
    check.main()
