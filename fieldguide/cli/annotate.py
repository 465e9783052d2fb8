"""`fieldguide annotate`: the manager's commands. Each imports what it needs when it runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from fieldguide.runtime.people.annotate import Status
    from fieldguide.runtime.run import Run

app = typer.Typer(
    help="Ask people, and take in what they judge: plan, push, status, pull, agreement, adjudicate, close.",
    epilog="docs/annotating.md shows the way from the pool to the qrels. `fieldguide build` does plan, push and pull "
    "by itself.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")]


def _run() -> Run:
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params
    from fieldguide.runtime.progress import show_progress
    from fieldguide.runtime.run import Run

    return Run(read_params(), Paths(), show_progress)


@app.command(epilog="Example: fieldguide annotate plan --dry-run")
def plan(dry: Dry = False, as_json: Json = False) -> None:
    """Say who is asked what, and how many hours that takes. The plan only grows; nobody is asked before `push`."""
    from fieldguide.annotation.planning.effort import estimate
    from fieldguide.cli import annotate_views
    from fieldguide.runtime.people import annotate
    from fieldguide.runtime.people.desk import alone
    from fieldguide.runtime.tables import show, show_json

    run = _run()
    with alone(run.paths):
        planned = annotate.plan(run, dry=dry)
    expected = estimate(planned.plan, planned.entries, overlap=run.params.annotate.overlap)
    rows = list(annotate_views.plan_table(planned, expected))
    if as_json:
        show_json(
            {
                "new": len(planned.new),
                "assessors": rows,
                "hours": expected.hours,
                "how": expected.how,
                "notes": planned.notes,
            }
        )
        return
    show(rows, annotate_views.PLAN_COLUMNS)
    print(f"{expected.hours:.1f} hours in all, {expected.hours_left:.1f} left. {expected.how}")
    print(f"{len(planned.new)} judgments {'would be ' * dry}added to the plan{'' if dry else f' ({run.paths.asked})'}")
    print("".join(f"note: {note}\n" for note in planned.notes), end="")
    if not dry:
        print("next: fieldguide annotate push --dry-run, then fieldguide annotate push")


@app.command(epilog="Example: fieldguide annotate push --dry-run")
def push(dry: Dry = False, as_json: Json = False) -> None:
    """Put the pages that are due before people. Pushing again, also after a crash, makes nothing twice."""
    from fieldguide.cli import annotate_views
    from fieldguide.runtime.people import annotate
    from fieldguide.runtime.people.desk import alone
    from fieldguide.runtime.tables import show_json

    run = _run()
    with alone(run.paths):
        pushed = annotate.would_push(run) if dry else annotate.push(run)
    if as_json:
        unshowable = [[*pair, why] for pair, why in sorted(pushed.unshowable.items())]
        show_json({**{name: getattr(pushed, name) for name in pushed.__dataclass_fields__}, "unshowable": unshowable})
        return
    print("\n".join(annotate_views.push_lines(pushed, dry)))


@app.command(epilog="Example: fieldguide annotate status --topics    fieldguide annotate status --watch 60")
def status(
    topics: Annotated[bool, typer.Option("--topics", help="Also a row a topic.")] = False,
    watch: Annotated[float | None, typer.Option(min=5, help="Show it again every so many seconds.")] = None,
    as_json: Json = False,
) -> None:
    """Say how far everybody is, how well they agree, and what to look into.

    Figures come from the log; the server is asked for its totals only. `not pulled` are answered pages; without a
    server the rest is shown all the same.
    """
    import time

    from fieldguide.runtime.people.annotate import status as now
    from fieldguide.runtime.tables import show_json

    run = _run()
    while True:
        if as_json:
            show_json(now(run))
        else:
            _show_status(now(run), topics)
        if watch is None:
            return
        time.sleep(watch)


def _show_status(status: Status, topics: bool) -> None:
    from fieldguide.cli import annotate_views
    from fieldguide.runtime.tables import show

    show(annotate_views.people_table(status), annotate_views.PEOPLE_COLUMNS)
    if topics:
        show(annotate_views.topic_table(status), annotate_views.TOPIC_COLUMNS)
    print("\n".join(annotate_views.status_lines(status)))


@app.command(epilog="Example: fieldguide annotate pull    fieldguide annotate pull --listen")
def pull(
    accept: Annotated[
        bool,
        typer.Option("--accept-withdrawals", help="Withdraw also judgments that were held back, since many were gone."),
    ] = False,
    as_json: Json = False,
    listen: Annotated[
        bool,
        typer.Option("--listen", help="Go on until Ctrl-C: pull whenever somebody judges, as the server tells."),
    ] = False,
    host: Annotated[str, typer.Option(help="With --listen: IPv4 address of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --listen: 0 takes any that is free.")] = 0,
    address: Annotated[
        str | None,
        typer.Option(help="With --listen: http://..., as the server sees this machine, where it is another."),
    ] = None,
    every: Annotated[float, typer.Option(min=0.1, help="With --listen: seconds between two pulls at least.")] = 10,
) -> None:
    """Append what people gave to data/judgments/log.jsonl. Pulling twice appends nothing.

    What is no judgment goes to data/judgments/quarantine.jsonl, with the reason and what to do.
    """
    from fieldguide.cli import annotate_views
    from fieldguide.runtime.people import annotate
    from fieldguide.runtime.people.desk import alone
    from fieldguide.runtime.tables import show_json

    run = _run()
    if listen:
        from fieldguide.runtime.people.listen import Ear
        from fieldguide.runtime.people.listen import listen as pull_and_listen

        if accept or as_json:
            raise FieldguideError(
                "--listen goes neither with --accept-withdrawals nor with --json: pull once for these"
            )
        pull_and_listen(run, Ear(host, port, address, every), partial(print, flush=True))
        return
    with alone(run.paths):
        before = annotate.due_pages(run)
        pulled = annotate.pull(run, accept_withdrawals=accept)
        more = len(annotate.due_pages(run) - before) if pulled.appended else 0
    if as_json:
        show_json(pulled)
        return
    print("\n".join(annotate_views.pull_lines(pulled)))
    if more:
        print(f"next: fieldguide annotate push    ({more} more pages have become due)")


@app.command(epilog="Example: fieldguide annotate agreement --json | jq .agreement.overall.ordinal")
def agreement(as_json: Json = False) -> None:
    """Say how far people agree, as the log is now: alpha, kappa, gold, bias, and how grades would be decided."""
    from fieldguide.annotation.agreement.summary import lines_of
    from fieldguide.runtime.people import annotate
    from fieldguide.runtime.tables import show_json

    summary = annotate.agreement(_run())
    if as_json:
        show_json(summary)
    else:
        print("\n".join(lines_of(summary)))


@app.command(epilog="Example: fieldguide annotate adjudicate --dry-run")
def adjudicate(
    partial: Annotated[
        bool, typer.Option("--partial", help="Also images that some of those asked have not judged yet.")
    ] = False,
    dry: Dry = False,
    as_json: Json = False,
) -> None:
    """Put what assessors disagree on before the adjudicator (annotate.adjudicator), with their choices and no names."""
    from fieldguide.cli import annotate_views
    from fieldguide.runtime.people import annotate
    from fieldguide.runtime.people.desk import alone
    from fieldguide.runtime.tables import show_json

    run = _run()
    with alone(run.paths):
        new = annotate.ask_adjudicator(run, partial=partial, dry=dry)
        pushed = None if dry else annotate.push(run)
    if as_json:
        show_json({"disputes": new[["subtopic_id", "image_id"]].values.tolist(), "dry_run": dry})
        return
    print(f"{len(new)} disputes {'would be ' * dry}put to {run.params.annotate.adjudicator}")
    if pushed is not None:
        print("\n".join(annotate_views.push_lines(pushed, dry)))


@app.command(epilog="Example: fieldguide annotate close")
def close(
    incomplete: Annotated[bool, typer.Option("--incomplete", help="Close also where judgments are missing.")] = False,
    reopen: Annotated[bool, typer.Option("--reopen", help="Let closed projects get pages again.")] = False,
    as_json: Json = False,
) -> None:
    """Pull what there is, refuse if judgments are missing, and close the projects: they get no more pages."""
    from fieldguide.cli import annotate_views
    from fieldguide.runtime.people import annotate
    from fieldguide.runtime.people.desk import alone
    from fieldguide.runtime.tables import show_json

    run = _run()
    with alone(run.paths):
        if reopen:
            projects = annotate.reopen(run)
            print("\n".join(f"open again: {project.id} ({project.title})" for project in projects) or "none was closed")
            return
        closed = annotate.close(run, incomplete=incomplete)
    if as_json:
        show_json(closed)
    else:
        print("\n".join(annotate_views.closed_lines(closed)))
