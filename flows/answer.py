"""Have the questions answered from what was shown: `python -m flows.answer`."""

from typing import Any

from prefect import flow, task

from fieldguide.answering.answerers.section import AnyAnswerer
from fieldguide.answering.section import Answer
from fieldguide.core.paths import Paths
from fieldguide.evaluation.section import Evaluate
from fieldguide.runtime import artifacts
from fieldguide.runtime.fanout import each
from fieldguide.runtime.step import run
from fieldguide.runtime.tables import show


@task(task_run_name="{answerer.name}, {context.name}", tags={"service"})
def answer_context(asking: Any, answerer: Any, context: Any) -> Any:
    """One answerer in one context, as a table; what was answered before is not asked again."""
    from fieldguide.records.answers import ANSWERS

    return ANSWERS.frame(asking.rows(answerer, context))  # Prefect looks through every value of a list


@flow
def answer(answer: Answer, answerers: dict[str, AnyAnswerer], evaluate: Evaluate) -> None:
    """Write data/answers/; print accuracy by context."""
    from fieldguide.answering.answer import COLUMNS, Asking, printed, write_answers

    asking = Asking(answer, answerers, Paths())
    calls = [(asking, answerer, context) for answerer in asking.loaded() for context in asking.contexts]
    tables = each(answer_context, calls)
    found = write_answers(asking, (row for table in tables for row in table.to_dict("records")), evaluate)
    if not calls:
        print("nobody is asked (answer.answerers)")
        return
    for name, reason in found.left_out.items():
        print(f"left out: {name}: {reason}")
    print(f"{found.topics} topics asked, {found.not_asked} have no closed answer and need answer.judge")
    for reason, count in found.unscored.items():
        print(f"unscored: {count} x {reason}; what was not answered is asked again by `dvc repro -f -s answer`")
    for finding in found.findings:
        print(f"{finding.answerer} {finding.finding}: {finding.evidence}")
    k = answer.settled.k
    lines = printed(found, k[len(k) // 2])
    artifacts.table("answers", lines, "Answers by context.")
    show(lines, tuple(COLUMNS))


if __name__ == "__main__":
    run(answer)
