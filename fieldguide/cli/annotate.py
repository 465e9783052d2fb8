"""`fieldguide annotate`: the manager's commands. Each imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from fieldguide.annotation.manager import Annotation
    from fieldguide.annotation.status import AnnotationStatus
    from fieldguide.annotation.sync.pull import Pulled

app = typer.Typer(
    help="Ask people, and take in what they judge: topics, plan, push, status, pull, agreement, adjudicate, close.",
    epilog="docs/annotating.md shows the way from the pool to the qrels. `fieldguide build` does plan, push and pull "
    "by itself.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")]


def _annotation() -> Annotation:
    from fieldguide.annotation.manager import Annotation
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params
    from fieldguide.runtime.progress import show_progress

    params = read_params()
    return Annotation(Paths(), params.annotate, params.release.name, show_progress, params.adjudicate.excluded)


@app.command(epilog="Example: fieldguide annotate topics --json | jq '.topics[] | select(.hours < 0.2).subtopic_id'")
def topics(as_json: Json = False) -> None:
    """Say what each subtopic would cost, to choose which to ask about first (annotate.subtopics). Nothing is changed.

    It needs the pools, and neither a plan nor a server. Gold, repeats and disputes come on top of the hours.
    """
    from fieldguide.cli.views import annotate as annotate_views
    from fieldguide.runtime.tables import show, show_json

    annotation = _annotation()
    costs, pace = annotation.costs()
    chosen = [cost for cost in costs if cost.chosen]
    hours, left = sum(cost.hours for cost in chosen), sum(cost.hours_left for cost in chosen)
    if as_json:
        show_json({"topics": costs, "hours": hours, "hours_left": left, "how": pace.how})
        return
    show(annotate_views.cost_table(costs), annotate_views.COST_COLUMNS)
    print(
        f"{len(chosen)} of {len(costs)} subtopics are asked about (annotate.subtopics), {annotation.annotate.overlap} "
        f"people an image: {hours:.1f} hours, {left:.1f} left, without gold, repeats and disputes. {pace.how}"
    )
    print("next: name a few topics or subtopics in annotate.subtopics of params.yaml, then fieldguide annotate plan")


@app.command(epilog="Example: fieldguide annotate plan --dry-run")
def plan(dry: Dry = False, as_json: Json = False) -> None:
    """Say who is asked what, and how many hours that takes. The plan only grows; nobody is asked before `push`."""
    from fieldguide.annotation.lock import judgments_locked
    from fieldguide.annotation.progress.effort import estimate
    from fieldguide.cli.views import annotate as annotate_views
    from fieldguide.runtime.tables import show, show_json

    annotation = _annotation()
    with judgments_locked(annotation.paths):
        planned = annotation.plan(dry=dry)
    asked = annotation.asked
    expected = estimate(planned.plan, planned.entries, overlap=asked.overlap, people=asked.people)
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
    where = "" if dry else f" ({annotation.paths.asked})"
    print(f"{len(planned.new)} judgments {'would be ' * dry}added to the plan{where}")
    print("".join(f"note: {note}\n" for note in planned.notes), end="")
    if not dry:
        print("next: fieldguide annotate serve, and each person's link: fieldguide annotate links")


@app.command(epilog="Example: fieldguide annotate push --dry-run")
def push(dry: Dry = False, as_json: Json = False) -> None:
    """Put the pages that are due before people. Pushing again, also after a crash, makes nothing twice."""
    from fieldguide.annotation.lock import judgments_locked
    from fieldguide.cli.views import annotate as annotate_views
    from fieldguide.runtime.tables import show_json

    annotation = _annotation()
    with judgments_locked(annotation.paths):
        pushed = annotation.push(dry=dry)
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

    from fieldguide.annotation.status import status_of
    from fieldguide.runtime.tables import show_json

    annotation = _annotation()
    while True:
        if as_json:
            show_json(status_of(annotation))
        else:
            _show_status(status_of(annotation), topics)
        if watch is None:
            return
        time.sleep(watch)


def _show_status(status: AnnotationStatus, topics: bool) -> None:
    from fieldguide.cli.views import annotate as annotate_views
    from fieldguide.runtime.tables import show

    show(annotate_views.people_table(status), annotate_views.PEOPLE_COLUMNS)
    if topics:
        show(annotate_views.topic_table(status), annotate_views.TOPIC_COLUMNS)
    print("\n".join(annotate_views.status_lines(status)))


@app.command(epilog="Example: fieldguide annotate pull    fieldguide annotate pull --every 30")
def pull(
    accept: Annotated[
        bool,
        typer.Option("--accept-withdrawals", help="Withdraw also judgments that were held back, since many were gone."),
    ] = False,
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on until Ctrl-C, and pull again every so many seconds.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Append what people gave to data/judgments/log.jsonl. Pulling twice appends nothing.

    What is no judgment goes to data/judgments/quarantine.jsonl, with the reason and what to do.
    """
    from fieldguide.runtime.tables import show_json

    if every is not None and (accept or as_json):
        raise FieldguideError("--every goes neither with --accept-withdrawals nor with --json: pull once for these")
    annotation = _annotation()
    if every is not None:
        _pull_again_and_again(annotation, every)
        return
    pulled, lines = _pull(annotation, accept=accept)
    if as_json:
        show_json(pulled)
    else:
        print("\n".join(lines))


def _pull(annotation: Annotation, *, accept: bool = False, wait: bool = False) -> tuple[Pulled, list[str]]:
    """Pull once. Returns what came and what to say of it."""
    from fieldguide.annotation.lock import judgments_locked
    from fieldguide.cli.views import annotate as annotate_views

    with judgments_locked(annotation.paths, wait=wait):
        pulled = annotation.pull(accept_withdrawals=accept)
        more = annotation.newly_due(pulled) if pulled.appended else 0
    lines = list(annotate_views.pull_lines(pulled))
    if more:
        lines.append(f"next: fieldguide annotate push    ({more} more pages have become due)")
    return pulled, lines


def _pull_again_and_again(annotation: Annotation, every: float) -> None:
    """Say what is news only. A server that is away is asked again; what does not pass by itself ends it."""
    import time
    from dataclasses import replace

    from fieldguide.annotation.label_studio.client import ServerError
    from fieldguide.core.interrupts import interruptible
    from fieldguide.core.progress import silent

    annotation, notes, trouble = replace(annotation, track=silent), None, False
    print(f"pulling every {every:g} seconds; Ctrl-C ends it", flush=True)
    try:
        with interruptible():
            while True:
                try:
                    pulled, lines = _pull(annotation, wait=True)
                except ServerError as error:
                    if not error.passes:
                        raise
                    if not trouble:
                        print(f"{error}\nthis is tried again until it succeeds; nothing is lost meanwhile", flush=True)
                    trouble = True
                else:
                    if trouble:
                        print("the server answers again", flush=True)
                    if pulled.appended or pulled.quarantined or pulled.notes != notes:
                        print("\n".join(lines), flush=True)
                    notes, trouble = pulled.notes, False
                time.sleep(every)
    except KeyboardInterrupt:
        print("ended; `fieldguide annotate pull` takes over what is given from now on")


@app.command(epilog="Example: fieldguide annotate agreement --json | jq .agreement.overall.ordinal")
def agreement(as_json: Json = False) -> None:
    """Say how far people agree, as the log is now: alpha, kappa, gold, bias, and how grades would be decided."""
    from fieldguide.annotation.agreement.grading import grade
    from fieldguide.annotation.agreement.summary import lines_of
    from fieldguide.annotation.judgments import log
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params
    from fieldguide.runtime.tables import show_json

    paths, params = Paths(), read_params()
    judged = log.read(paths.judgments) if paths.judgments.exists() else log.Log(())
    if not judged.entries:
        raise FieldguideError(f"{paths.judgments}: nobody has judged yet; see `fieldguide annotate status`")
    people = params.adjudicate.model_copy(update={"judge": "log"})  # also before params.yaml says so
    summary = grade(judged, paths, people, params.annotate).agreement(params.annotate, params.pool)
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
    from fieldguide.annotation.lock import judgments_locked
    from fieldguide.cli.views import annotate as annotate_views
    from fieldguide.runtime.tables import show_json

    annotation = _annotation()
    with judgments_locked(annotation.paths):
        new = annotation.ask_adjudicator(partial=partial, dry=dry)
        pushed = None if dry else annotation.push()
    if as_json:
        show_json({"disputes": new[["subtopic_id", "image_id"]].values.tolist(), "dry_run": dry})
        return
    print(f"{len(new)} disputes {'would be ' * dry}put to {annotation.annotate.adjudicator}")
    if pushed is not None:
        print("\n".join(annotate_views.push_lines(pushed, dry)))


@app.command(epilog="Example: fieldguide annotate serve --port 8300 --name labels.museum.example")
def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1024, max=65535)] = 8300,
    name: Annotated[
        list[str] | None, typer.Option("--name", help="A host name under which people ask for the pages; repeatable.")
    ] = None,
    every: Annotated[float, typer.Option(min=5, help="Look at most every so many seconds what was given.")] = 30.0,
) -> None:
    """Serve the pages on which people judge, until Ctrl-C; pull what they give, and put what is due next before them.

    It listens on this machine only: let people in through a tunnel, or a proxy with TLS whose host is a --name.
    """
    from fieldguide.cli.views.serving import serve as serve_pages

    serve_pages(_annotation, port, name or [], every)


@app.command(epilog="Example: fieldguide annotate links ada")
def links(
    person: Annotated[str | None, typer.Argument(help="Only this one's.")] = None,
    address: Annotated[str, typer.Option(help="Where people find the pages of `serve`.")] = "http://127.0.0.1:8300",
    new: Annotated[bool, typer.Option("--new", help="Make a new key: the old link opens nothing any more.")] = False,
) -> None:
    """Print the link by which each person opens their pages. Whoever has it is that person: hand it over in private."""
    from fieldguide.cli.views.serving import links as print_links

    print_links(_annotation(), person, address, new=new)


@app.command(epilog="Example: fieldguide annotate dashboard --to figures --every 60")
def dashboard(
    to: Annotated[
        Path | None, typer.Option(help="Folder for the page and its tables.", show_default=".annotation/dashboard")
    ] = None,
    every: Annotated[
        float | None, typer.Option(min=5, help="Go on until Ctrl-C, and write it again every so many seconds.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the manager's page, with its figures as CSV: progress, hours, agreement, flags, disputes, questions.

    It opens from disk and runs nothing. Figures come from the log: `pull` first. `serve` shows the same at /manager.
    """
    from fieldguide.cli.views.dashboard import show, write_again_and_again

    if every is not None and as_json:
        raise FieldguideError("--every does not go with --json: print the figures once")
    if every is not None:
        write_again_and_again(_annotation, to, every)
    else:
        show(_annotation(), to, as_json=as_json)


@app.command(epilog="Example: fieldguide annotate questions")
def questions(as_json: Json = False) -> None:
    """List what assessors asked and flagged, with its number and what was replied. What is open comes first."""
    from fieldguide.annotation.correspondence.log import read
    from fieldguide.annotation.correspondence.threads import threads
    from fieldguide.cli.views import annotate as annotate_views
    from fieldguide.runtime.tables import show_json

    found = threads(read(_annotation().paths.correspondence))
    if as_json:
        show_json(found)
    else:
        print("\n".join(annotate_views.question_lines(found)))


@app.command(epilog='Example: fieldguide annotate reply 12 "The peel counts, not the leaf." --faq')
def reply(
    number: Annotated[int, typer.Argument(help="Of the question, as `fieldguide annotate questions` lists it.")],
    text: Annotated[str, typer.Argument(help="What to reply.")],
    faq: Annotated[bool, typer.Option("--faq", help="Show question and reply to everybody, without names.")] = False,
) -> None:
    """Reply to a question. Whoever asked reads it with the next page; a second reply is added to the first."""
    from datetime import UTC, datetime

    from fieldguide.annotation.correspondence import threads
    from fieldguide.annotation.lock import judgments_locked

    paths = _annotation().paths
    with judgments_locked(paths, wait=True):
        at = datetime.now(UTC).isoformat(timespec="seconds")
        said = threads.reply(paths.correspondence, number, text, faq=faq, at=at)
    print(f"replied to question {number} of {said.by}" + ", and shown to everybody below the guidelines" * faq)


@app.command(epilog="Example: fieldguide annotate close")
def close(
    incomplete: Annotated[bool, typer.Option("--incomplete", help="Close also where judgments are missing.")] = False,
    reopen: Annotated[bool, typer.Option("--reopen", help="Let closed projects get pages again.")] = False,
    as_json: Json = False,
) -> None:
    """Pull what there is, refuse if judgments are missing, and close the projects: they get no more pages."""
    from fieldguide.annotation.lock import judgments_locked, serving_locked
    from fieldguide.cli.views import annotate as annotate_views
    from fieldguide.runtime.tables import show_json

    annotation = _annotation()
    with serving_locked(annotation.paths), judgments_locked(annotation.paths):
        if reopen:
            projects = annotation.reopen()
            print("\n".join(f"open again: {project.id} ({project.title})" for project in projects) or "none was closed")
            return
        closed = annotation.close(incomplete=incomplete)
    if as_json:
        show_json(closed)
    else:
        print("\n".join(annotate_views.closed_lines(closed)))
