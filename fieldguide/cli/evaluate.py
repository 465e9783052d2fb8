"""`fieldguide evaluate`: any system's run files against any collection. Imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

EPILOG = (
    "Examples:    fieldguide evaluate clip.trec visret.trec --qrels visual-rag-me_final_v1.jsonl --baseline clip    "
    "fieldguide evaluate runs/*.gz --qrels qrels.txt -m nDCG@10,AP --by topic --csv values.csv --figures figures    "
    "fieldguide evaluate data/runs/rerank/visret.trec --qrels data --json | jq .leaderboard    "
    "fieldguide evaluate clip.trec --qrels inquire_rerank_hard_final.json --preset visret-v3    "
    "Exit status: 0 scored (what is missing or unjudged is said), 1 a file is wrong or fits nothing, 2 wrong usage."
)

_RUNS = (".trec", ".run", ".txt")


def evaluate(
    runs: Annotated[
        list[Path],
        typer.Argument(help="TREC run files, gzipped or not, one system each; or folders of such.", metavar="RUN..."),
    ],
    qrels: Annotated[
        Path,
        typer.Option(
            help="TREC qrels, qrels.parquet, a folder that holds one (a repository, an import, a release), or a "
            "published benchmark's file."
        ),
    ],
    form: Annotated[
        str | None, typer.Option("--format", help="Format of a published benchmark, where its content does not tell.")
    ] = None,
    measures: Annotated[
        list[str] | None,
        typer.Option("--measures", "-m", help="Measures, apart by commas; the first is the headline.", metavar="TEXT"),
    ] = None,
    preset: Annotated[
        Literal["visret-v1", "visret-v3", "inquire-rerank", "inquire-fullrank", "karpathy"] | None,
        typer.Option(help="Measures and headline of a publication, in the place of --measures: see docs/measures.md."),
    ] = None,
    by: Annotated[Literal["subtopic", "topic"], typer.Option(help="What counts once in a mean.")] = "subtopic",
    baseline: Annotated[
        str | None, typer.Option(help="The system that every other one is compared with by every measure.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, every value included.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write every value: a row a system, subtopic and measure.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Folder to write figures to, SVG and PNG.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals and tests.")] = 0,
) -> None:
    """Score any system's runs against any collection: means, intervals, comparisons, what is missing or unjudged."""
    from fieldguide.cli.views.evaluate import show_evaluation
    from fieldguide.core.errors import FieldguideError
    from fieldguide.core.files import atomic_open
    from fieldguide.evaluation.external.evaluate import MEASURES, evaluate_runs, settings
    from fieldguide.evaluation.external.evaluate import as_json as document
    from fieldguide.evaluation.external.qrels import read_judged
    from fieldguide.runtime.progress import show_progress
    from fieldguide.runtime.tables import show_json

    if measures and preset:
        raise FieldguideError("--measures and --preset: give one of them")
    chosen = settings(split_measures(measures) or MEASURES, baseline, seed, preset)
    found = evaluate_runs(_files(runs), read_judged(qrels, form), chosen, by, show_progress)
    if csv is not None:
        with atomic_open(csv) as stream:
            found.values.to_csv(stream, index=False, lineterminator="\n")
    drawn = []
    if figures is not None:
        from fieldguide.evaluation.external.figures import write_figures

        drawn = write_figures(figures, found)
    if as_json:
        show_json(document(found))
        return
    show_evaluation(found)
    for path in [*([csv] if csv else []), *drawn]:
        print(f"written: {path}")


def _files(runs: list[Path]) -> list[Path]:
    """Files as they are named; of a folder those that are called as runs are."""
    from fieldguide.core.errors import FieldguideError

    found: list[Path] = []
    for run in runs:
        files = (
            [path for path in run.iterdir() if path.name.removesuffix(".gz").endswith(_RUNS)] if run.is_dir() else [run]
        )
        if not files:
            raise FieldguideError(f"{run}: holds no run; they end in {', '.join(_RUNS)}, and .gz where gzipped")
        found += sorted(files)
    return found


def split_measures(texts: list[str] | None) -> list[str]:
    """Measures apart by commas outside brackets: `P(rel=2,judged_only=True)@5` is one."""
    import re

    return [part.strip() for text in texts or () for part in re.split(r",(?![^(]*\))", text) if part.strip()]
