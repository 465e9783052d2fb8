"""`fieldguide release`: releases checked, compared and put where others get them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Check and compare releases. Stage `release` makes one: `fieldguide build release`.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
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
