"""Turn judgments into qrels: `python -m flows.adjudicate`."""

from prefect import flow

from fieldguide.annotation.judgments.section import Adjudicate
from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.paths import Paths
from fieldguide.retrieval.pooling.section import Pool
from fieldguide.runtime.step import run


@flow
def adjudicate(adjudicate: Adjudicate, annotate: Annotate, pool: Pool) -> None:
    """Write data/qrels/, and with the dataset-label judge data/judgments/log.jsonl before."""
    from fieldguide.annotation.agreement.grading import grade, judgments
    from fieldguide.annotation.agreement.summary import lines_of, write_summary

    paths = Paths()
    grades = grade(judgments(paths, adjudicate), paths, adjudicate, annotate)
    grades.write(paths.qrels)
    print("\n".join(grades.lines()))
    (paths.qrels / "agreement.json").unlink(missing_ok=True)
    if adjudicate.judge == "log":
        summary = grades.agreement(annotate, pool)
        write_summary(paths.qrels, summary)
        print("\n".join(lines_of(summary)))


if __name__ == "__main__":
    run(adjudicate)
