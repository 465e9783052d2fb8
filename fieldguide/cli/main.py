"""The `fieldguide` command. Every command imports what it needs when it runs, so that --help answers at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldguide import __version__
from fieldguide.cli import (
    annotate,
    answer,
    audit,
    calls,
    evaluate,
    formats,
    knowledge,
    label_studio,
    project,
    release,
    train,
)
from fieldguide.core.errors import FieldguideError, ending_in_words

app = typer.Typer(
    name="fieldguide",
    help="Make, annotate, check, evaluate and release an image retrieval benchmark.",
    epilog="Start with `make demo`, then `fieldguide status` and `fieldguide explain TOPIC IMAGE`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(annotate.app, name="annotate")
app.add_typer(answer.app, name="answer")
app.add_typer(calls.app, name="calls")
app.add_typer(label_studio.app, name="label-studio")
app.add_typer(train.app, name="train")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(release.app, name="release")
app.add_typer(release.report, name="report")
app.command(epilog=project.INIT_EPILOG)(project.init)
app.command(epilog=project.UPGRADE_EPILOG)(project.upgrade)
app.command(epilog="Example: fieldguide weights")(project.weights)
app.command("params", epilog="Example: fieldguide params --full")(project.show_params)
app.command(epilog=audit.EPILOG)(audit.audit)
app.command(epilog=evaluate.EPILOG)(evaluate.evaluate)
app.command("import", epilog=formats.IMPORT_EPILOG)(formats.import_)
app.command("export", epilog=formats.EXPORT_EPILOG)(formats.export_)
app.command(hidden=True, epilog=release.VERIFY_EPILOG)(release.verify)  # its name in releases of before the group
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command(epilog="Example: fieldguide doctor --json | jq '.[] | select(.verdict == \"problem\")'")
def doctor(as_json: Json = False) -> None:
    """Say what is installed, which encoders, generators and chat models can be used, and why others cannot."""
    from fieldguide.cli.views.doctor import examine, healthy
    from fieldguide.runtime.tables import show

    findings = list(examine(Path()))
    show(findings, ("group", "name", "verdict", "detail"), as_json)
    if not healthy(findings):
        raise typer.Exit(1)


@app.command(epilog="Example: fieldguide models siglip2-base    (its section, to be put among `encoders`)")
def models(
    name: Annotated[str | None, typer.Argument(help="Print this one's section for params.yaml.")] = None,
    as_json: Json = False,
) -> None:
    """List usual encoders and generators: size, licence, where they come from, and the section to paste."""
    from fieldguide.cli.views.models import show_models

    show_models(name, as_json)


@app.command(epilog="Example: fieldguide status")
def status(as_json: Json = False) -> None:
    """Say which stages are up to date, and why the others are not."""
    from fieldguide.runtime.builds.status import stage_statuses
    from fieldguide.runtime.tables import show

    statuses = stage_statuses(Path())
    show(statuses, ("stage", "state", "reason"), as_json)
    if not as_json:
        stale = sum(s.state in ("changed", "waits") for s in statuses)
        print(f"{stale} of {len(statuses)} stages would run" if stale else "everything is up to date")


@app.command(epilog="Examples: fieldguide explain t3fa91c2e.e1 8f14e45f    fieldguide explain t3fa91c2e")
def explain(
    topic: Annotated[str, typer.Argument(help="A topic (t3fa91c2e) or subtopic (t3fa91c2e.e1).")],
    image: Annotated[str | None, typer.Argument(help="An image_id, or its first digits.")] = None,
    as_json: Json = False,
) -> None:
    """Print the lineage of one judgment: why the entity, what pooled the image, who judged it, how systems rank it.

    Without an image, how the topic was answered.
    """
    from fieldguide.cli.views.explain import show, show_answers
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params

    if image is None:
        show_answers(Paths(), read_params(), topic, as_json)
    else:
        show(Paths(), read_params(), topic, image, as_json)


@app.command(
    epilog="Example: fieldguide build    (all stages)    fieldguide build evaluate    (up to one stage)    "
    "fieldguide build --wait --every 600    (until people have judged). "
    "Exit status: 0 built, 75 it waits for people, 1 something is wrong."
)
def build(
    targets: Annotated[list[str] | None, typer.Argument(help="Stages to build up to; all if none is named.")] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Show what would run, and run nothing.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Wait for people no longer: go on with the judgments that there are.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Do not end while people judge: look again and again.")] = False,
    every: Annotated[float, typer.Option(min=1, help="With --wait: seconds between two looks.")] = 60,
    serve: Annotated[
        int | None,
        typer.Option(min=1, metavar="MINUTES", help="Stay, and look again every so many minutes."),
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Print calls, tokens, money and hours, and send and run nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Build the benchmark: every stage that is not up to date, under one Prefect server.

    Where people judge (adjudicate.judge: log), it asks them after the pool and ends with status 75. Run it
    again at any time: it looks how far they are, and goes on when they have judged enough (annotate.coverage).
    """
    if estimate:
        from fieldguide.core.paths import Paths
        from fieldguide.params import read_params

        calls.show_estimate(Paths(), read_params(), as_json)
        return
    if as_json:
        raise typer.BadParameter("it goes with --estimate alone", param_hint="--json")
    if serve is not None:
        _benchmark("build").serve(serve)
        return
    from fieldguide.runtime.builds.building import start
    from fieldguide.runtime.builds.waiting import Patience

    waits = every if wait else None
    if not start(_benchmark("build").build, stages=targets, resume=resume, every=waits, dry=dry):
        raise typer.Exit(Patience.EXIT_WAITS)


def _benchmark(flow: str) -> Any:
    """A module of the benchmark's own `flows/`, in the working folder."""
    import importlib

    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(f"flows.{flow}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("flows"):
            raise
        raise FieldguideError(f"flows/{flow}.py: no such file; run from the root of a benchmark's repository") from None


@app.command(epilog="Example: fieldguide leaderboard --json")
def leaderboard(as_json: Json = False) -> None:
    """Print the leaderboard of the last evaluation."""
    from fieldguide.core.paths import Paths
    from fieldguide.evaluation.leaderboard.table import print_leaderboard
    from fieldguide.params import read_params
    from fieldguide.params.seen import SEEN, seen
    from fieldguide.publishing.benchmark import Benchmark

    params = read_params()
    benchmark = Benchmark(Paths(), params)
    rows = benchmark.leaderboard
    known = {system: seen(params, system) for system in params.systems}
    if as_json:
        print(json.dumps([{**row, "seen": known.get(row["system"])} for row in rows], indent=2))
    else:
        print_leaderboard(rows, benchmark.comparisons, params.evaluate, seen=known)
        typer.echo("seen: " + "; ".join(f"{key[0]} {words}" for key, words in SEEN.items()) + "; - nothing of it")


@app.command(epilog="Example: fieldguide fitness --json | jq .findings")
def fitness(as_json: Json = False) -> None:
    """Say whether the collection is fit to measure with: unjudged images, reuse, wrong labels, chance, duplicates."""
    from fieldguide.core.paths import Paths
    from fieldguide.evaluation.fitness.findings import COLUMNS
    from fieldguide.params import read_params
    from fieldguide.publishing.benchmark import Benchmark
    from fieldguide.runtime.tables import show, show_json

    found = Benchmark(Paths(), read_params()).fitness
    if as_json:
        show_json(found)
    else:
        show(found["findings"], COLUMNS)


@app.command(epilog="Example: fieldguide retrieve --system visret")
def retrieve(
    system: Annotated[str, typer.Option(help="A name under `systems` in params.yaml.")],
    to: Annotated[Path, typer.Option(help="Folder for the run file.")] = Path(".fieldguide/tried"),
) -> None:
    """Rank the whole gallery with one system and write its run, for trying things out; no output of a stage changes."""
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params
    from fieldguide.retrieval.ranking.kept import SearchTrack, rank_system
    from fieldguide.retrieval.systems.collection import SearchCollection

    params = read_params()
    done = rank_system(
        system, params.system(system), SearchCollection(Paths()), SearchTrack("fullrank", params.retrieve), to
    )
    print(f"{to / f'{system}.trec'}: {done.subtopics} subtopics, {done.images} images ranked")


def main() -> None:
    """Run the command; a user's mistake is told without a traceback and ends with status 1."""
    with ending_in_words("fieldguide"):
        app()


if __name__ == "__main__":
    main()
