"""`fieldguide release` and `fieldguide report`: releases checked, compared and put where others get them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fieldguide.publishing.comparing.comparison import ReleaseComparison

app = typer.Typer(
    help="Build, check, compare and publish releases.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
report = typer.Typer(help="Compare what two releases report.", no_args_is_help=True, rich_markup_mode=None)
Old = Annotated[str, typer.Argument(help="A release folder, a benchmark's folder, or a commit of this repository.")]
New = Annotated[str, typer.Argument(help="Likewise; by default the release that was built here.")]
REPRODUCE_EPILOG = (
    "Examples: fieldguide reproduce    fieldguide reproduce v1.0.0 --accept conclusions    "
    "fieldguide reproduce ../fruit-1.0.0 --html /tmp/reproduced    fieldguide reproduce --record. "
    "Exit status: 0 the same bytes or as --accept says, 10 near numbers, 11 the same conclusions, "
    "12 other conclusions, 1 it could not be compared."
)
FETCH_EPILOG = (
    "Examples: fieldguide release fetch-images data/release --dry-run    "
    "fieldguide release fetch-images data/release --to photographs --from gulls=~/gulls.zip. "
    "Exit status: 0 all are there, 1 some are missing."
)
VERIFY_EPILOG = (
    "Examples: fieldguide release verify data/release    fieldguide release verify data/release --private .private"
)
SCORE_EPILOG = (
    "Examples: fieldguide score their-run.trec --as 'Team A' --dry    fieldguide score their-run.trec --as 'Team A'    "
    "fieldguide score their-run.trec --as 'Team A' --private ~/gulls/.private --release ~/gulls/data/release --json. "
    "Exit status: 0 scored, 1 the run is refused or no try is left."
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command(epilog="Example: fieldguide release build --dry    (what would run)")
def build(dry: Annotated[bool, typer.Option("--dry", help="Show what would run, and run nothing.")] = False) -> None:
    """Build the release and all that it is made from; the same as `fieldguide build release`."""
    from fieldguide.runtime.builds.building import benchmark_flow, start
    from fieldguide.runtime.builds.waiting import Patience

    if not start(benchmark_flow("build").build, stages=["release"], dry=dry):
        raise typer.Exit(Patience.EXIT_WAITS)


@app.command(epilog=VERIFY_EPILOG)
def verify(
    folder: Annotated[Path, typer.Argument(help="A release folder.")],
    private: Annotated[
        Path | None, typer.Option(help="Private folder of the release: also look for what it tells of that.")
    ] = None,
) -> None:
    """Recompute every checksum and count of a release, and list all that does not agree."""
    from fieldguide.publishing.release.verify import verify_release

    verify_release(folder)
    print(f"{folder}: everything agrees")
    if private is not None:
        from fieldguide.publishing.release.private.keeping import verify_withheld

        sealed = verify_withheld(folder, private)
        print(f"{folder}: is committed to {private}, and tells nothing of its {len(sealed.subtopics)} subtopics")


@app.command(epilog="Examples: fieldguide release seal --dry    fieldguide release seal    (once; then keep .private)")
def seal(
    dry: Annotated[bool, typer.Option("--dry", help="Say what would be written, and write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Make the secret that a release with a private part needs, and write the private folder."""
    from fieldguide.cli.views.releases.private import show_sealing
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params
    from fieldguide.publishing.release.private.keeping import seal_here

    params, paths = read_params(), Paths()
    show_sealing(seal_here(params, paths, dry), params.release, paths, dry, as_json)


def score(
    run: Annotated[Path, typer.Argument(help="A TREC run file, gzipped or not.", metavar="RUN")],
    team: Annotated[str, typer.Option("--as", help="Whose try it is.", metavar="TEAM")],
    private: Annotated[Path, typer.Option(help="Folder with what the release withholds.")] = Path(".private"),
    release: Annotated[Path, typer.Option(help="The release that withholds it.")] = Path("data/release"),
    dry: Annotated[bool, typer.Option("--dry", help="Say whether it would be scored; costs no try.")] = False,
    as_json: Json = False,
) -> None:
    """Score a run by the private part of a release: means alone, a limited number of times a team."""
    from fieldguide.cli.views.releases.private import show_score
    from fieldguide.publishing.release.private.score import score_privately

    show_score(score_privately(run, private, release, team, dry), as_json)


@app.command("fetch-images", epilog=FETCH_EPILOG)
def fetch_images(
    folder: Annotated[Path, typer.Argument(help="A release folder.")],
    to: Annotated[
        Path,
        typer.Option(envvar="IMAGES", help="Folder for the photographs, IMAGE_ID.ext each; mteb_task.py reads it."),
    ] = Path("images"),
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="This source alone; may be given again.")
    ] = None,
    from_: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="NAME=PATH", help="A source that you have: folder, zip, tar or table."),
    ] = None,
    max_gb: Annotated[
        float, typer.Option(min=0.001, max=1e6, help="Of one download, and of what is read of a source.")
    ] = 50,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would come from where, and get nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Get the photographs of a release: out of it, and from where sources.json says; go on where it stopped.

    Every file's sha256 is held against images.parquet. What is missing, and why, stands in fetched.json beside them.
    """
    from fieldguide.cli.views.releases.photographs import given_sources, show_fetched
    from fieldguide.publishing.release.sources.fetching import ImageFetcher
    from fieldguide.runtime.progress import show_progress

    given = given_sources(from_ or ())
    fetcher = ImageFetcher(folder, to, only=source or (), given=given, limit=int(max_gb * 1e9))
    fetched = fetcher.plan() if dry_run else fetcher.fetch(show_progress)
    show_fetched(fetched, to, dry_run, as_json)
    if any(row.missing for row in fetched.sources):
        raise typer.Exit(1)


PUBLISH_EPILOG = (
    "Examples: fieldguide release publish data/release s3://gulls/1.0.0 --dry-run    "
    "fieldguide release publish data/release hf://datasets/OWNER/gulls    "
    "fieldguide release publish data/release dvc:storage. "
    "Exit status: 0 it is there, 1 it is refused or could not be sent."
)


@app.command(epilog=PUBLISH_EPILOG)
def publish(
    folder: Annotated[Path, typer.Argument(help="A release folder.")],
    to: Annotated[str, typer.Argument(help="s3://BUCKET/PREFIX, hf://datasets/OWNER/NAME, dvc:REMOTE, or a folder.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent and what would be refused, and send nothing.")
    ] = False,
    agreed: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="An assessor's name or an e-mail address that its owner agreed to show."),
    ] = None,
    locations: Annotated[bool, typer.Option("--locations", help="Photographs may say where they were taken.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of a table.")] = False,
) -> None:
    """Put a verified release where others get it: only what differs, and SHA256SUMS last.

    Refused, all reasons at once: what `verify` finds, failed expectations, secrets, addresses, paths of this machine,
    people's names, and changed files under a version that is published.
    """
    from fieldguide.cli.views.releases.publish import publish_release

    publish_release(folder, to, frozenset(agreed or ()), locations, dry_run, as_json)


@app.command(
    epilog="Examples: fieldguide release diff ../fruit-0.1.0    fieldguide release diff v0.1.0 data/release --json    "
    "fieldguide release diff v0.1.0 --errata annotation/errata.md. "
    "Exit status: 0 the version says enough, 1 it must rise."
)
def diff(
    old: Old,
    new: New = "data/release",
    errata: Annotated[Path | None, typer.Option(help="Write what changed into this file, newest first.")] = None,
    shown: Annotated[int, typer.Option(min=0, help="Changes of each group that are printed.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what changed between two releases, what that does to every system, and which version it asks for."""
    from fieldguide.cli.views.releases.comparison import show_comparison
    from fieldguide.publishing.comparing.told import add_errata

    comparison = _compared(old, new)
    if errata is not None and comparison.changes:
        add_errata(errata, comparison)
    show_comparison(comparison, shown, as_json)
    if not comparison.verdict.enough:
        raise typer.Exit(1)


def reproduce(
    published: Annotated[str, typer.Argument(help="A commit of this repository, or a release folder.")] = "HEAD",
    build: Annotated[bool, typer.Option("--build", help="Build first what is not up to date.")] = False,
    accept: Annotated[str, typer.Option(help="The worst grade that ends with status 0.")] = "bytes",
    html: Annotated[Path | None, typer.Option(help="Write it as a page into this folder.")] = None,
    restore_lock: Annotated[
        bool, typer.Option("--restore-lock", help="Put the committed dvc.lock back where nothing but bytes differ.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Record what is built in data/recorded, to be committed; compare nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Hold what is built here against what was published: the same bytes, near numbers, or the same conclusions.

    It says which stage is the first to differ and why: code, parameters, inputs, or what it ran on.
    """
    from fieldguide.cli.views.releases.reproduction import reproduced

    reproduced(published, build, accept, html, restore_lock, record, as_json)


@report.command(epilog="Example: fieldguide report compare main data/release --to /tmp/compared")
def compare(
    old: Old,
    new: New = "data/release",
    to: Annotated[Path, typer.Option(help="Folder to write; it is replaced.")] = Path(".fieldguide/compared"),
) -> None:
    """Write what two releases differ in, and why scores changed, as a page and as Markdown for a pull request."""
    from fieldguide.publishing.comparing.told import write_comparison

    comparison = _compared(old, new)
    write_comparison(comparison, to)
    moved = len(comparison.queries)
    print(f"{len(comparison.changes)} changes, {moved} queries with another score")
    print(f"{to / 'index.html'}\n{to / 'comparison.md'}")


def _compared(old: str, new: str) -> ReleaseComparison:
    from fieldguide.publishing.comparing.comparison import compare_releases
    from fieldguide.runtime.states import state_of

    with state_of(old) as before, state_of(new) as after:
        return compare_releases(before, after)
