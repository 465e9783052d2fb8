"""`fieldguide release` and `fieldguide report`: releases checked, compared and put where others get them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fieldguide.publishing.comparing.comparison import ReleaseComparison

app = typer.Typer(
    help="Check and compare releases. Stage `release` makes one: `fieldguide build release`.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
report = typer.Typer(help="Compare what two releases report.", no_args_is_help=True, rich_markup_mode=None)
Old = Annotated[str, typer.Argument(help="A release folder, a benchmark's folder, or a commit of this repository.")]
New = Annotated[str, typer.Argument(help="Likewise; by default the release that was built here.")]
VERIFY_EPILOG = "Example: fieldguide release verify data/release"


@app.command(epilog=VERIFY_EPILOG)
def verify(folder: Annotated[Path, typer.Argument(help="A release folder.")]) -> None:
    """Recompute every checksum and count of a release, and list all that does not agree."""
    from fieldguide.publishing.release.verify import verify_release

    verify_release(folder)
    print(f"{folder}: everything agrees")


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
    from fieldguide.cli.views.publish import publish_release

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
    from fieldguide.cli.views.comparison import show_comparison
    from fieldguide.publishing.comparing.told import add_errata

    comparison = _compared(old, new)
    if errata is not None and comparison.changes:
        add_errata(errata, comparison)
    show_comparison(comparison, shown, as_json)
    if not comparison.verdict.enough:
        raise typer.Exit(1)


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
