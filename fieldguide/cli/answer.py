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


@app.callback()
def _group() -> None:
    """Keep `score` a command of its own."""


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
