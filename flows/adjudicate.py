"""Turn judgments into qrels: `python -m flows.adjudicate`."""

from fieldguide.runtime.stage import Run, stage


@stage
def adjudicate(run: Run) -> None:
    """Write data/qrels/, and with the dataset-label judge data/judgments/log.jsonl before."""
    from fieldguide.annotation.agreement.grading import grade, judgments
    from fieldguide.annotation.agreement.summary import lines_of, write_summary

    paths, params = run.paths, run.params
    grades = grade(judgments(paths, params.adjudicate), paths, params.adjudicate, params.annotate)
    grades.write(paths.qrels)
    print("\n".join(grades.lines()))
    (paths.qrels / "agreement.json").unlink(missing_ok=True)
    if params.adjudicate.judge == "log":
        summary = grades.agreement(params.annotate, params.pool)
        write_summary(paths.qrels, summary)
        print("\n".join(lines_of(summary)))


if __name__ == "__main__":
    adjudicate.main()
