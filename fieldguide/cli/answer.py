"""`fieldguide answer`: answers from elsewhere. Imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Score answers to a benchmark's questions.", no_args_is_help=True, rich_markup_mode=None)

EPILOG = (
    "Examples:    fieldguide answer score answers.jsonl --benchmark data/release    "
    "fieldguide answer score answers.jsonl --benchmark visual-rag-me_final_v1.jsonl --judge judge.yaml --json    "
    'A line of the file is {"topic_id": ..., "answer": ...}; docs/answering.md says how answers are read. '
    "Exit status: 0 scored (what is missing or unscored is said), 1 a file is wrong, 2 wrong usage."
)


@app.command(epilog=EPILOG)
def score(
    answers: Annotated[Path, typer.Argument(help="JSONL with topic_id and answer.", metavar="FILE")],
    benchmark: Annotated[
        Path, typer.Option(help="A release, a repository, an imported folder, or a published benchmark's file.")
    ],
    form: Annotated[
        str | None, typer.Option("--format", help="Format of a published benchmark, where its content does not tell.")
    ] = None,
    judge: Annotated[
        Path | None, typer.Option(help="YAML with what `answer.judge` of params.yaml holds, for free answers.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, a row an answer.")] = False,
) -> None:
    """Score a file of answers by the benchmark's reference answers: by rules, and free ones by judges."""
    from fieldguide.answering.external import read_answered, score_answers
    from fieldguide.cli.views.answer import read_judges, show_scored
    from fieldguide.runtime.tables import show_json

    judges = None if judge is None else read_judges(judge)
    found = score_answers(answers, read_answered(benchmark, form), judges)
    if as_json:
        show_json(found)
        return
    show_scored(found)


@app.command(epilog="Example: fieldguide answer sample --size 100 --to to-judge    (then docs/answering.md)")
def sample(
    to: Annotated[Path, typer.Option(help="Folder for tasks.json and label_config.xml.")],
    size: Annotated[int, typer.Option(min=1, help="How many answers.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
) -> None:
    """Draw answers of the last build for people to judge in Label Studio, without what rules or judges said of them."""
    from fieldguide.answering.scoring.people import sample as drawn
    from fieldguide.answering.scoring.people import write_sample
    from fieldguide.core.paths import Paths
    from fieldguide.records.answers import ANSWERS
    from fieldguide.records.topics import read_topics

    paths = Paths()
    tasks = drawn(ANSWERS.read(paths.answers), read_topics(paths.topics), size, seed)
    write_sample(to, tasks)
    print(f"{to}: {len(tasks)} answers; import tasks.json into a project of Label Studio with label_config.xml,")
    print("export it as JSON, and `fieldguide answer agreement EXPORT` says how far people agree with the scores")


@app.command(epilog="Example: fieldguide answer agreement project-1.json")
def agreement(
    export: Annotated[Path, typer.Argument(help="Label Studio's export, in its format JSON.", metavar="EXPORT")],
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")] = False,
) -> None:
    """Say how far people agree with rules and judges, and what accuracy is when corrected by them."""
    from fieldguide.answering.scoring.people import people_figures, read_verdicts
    from fieldguide.cli.views.answer import PEOPLE_COLUMNS
    from fieldguide.core.paths import Paths
    from fieldguide.records.answers import ANSWERS
    from fieldguide.runtime.tables import show

    found = people_figures(ANSWERS.read(Paths().answers), read_verdicts(export), 0.95, seed)
    show(found, PEOPLE_COLUMNS, as_json)
