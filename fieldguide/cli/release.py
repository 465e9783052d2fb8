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
