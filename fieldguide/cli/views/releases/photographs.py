"""What became of a release's photographs, printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from fieldguide.publishing.release.sources.wanted import FetchedImages

_COLUMNS = ("source", "images", "there", "released", "got", "missing", "how")
_SHOWN = 8


def given_sources(pairs: Sequence[str]) -> dict[str, Path]:
    """`NAME=PATH` of each --from.

    Raises:
        typer.BadParameter: one is not of that form, or a name stands there twice.
    """
    given: dict[str, Path] = {}
    for pair in pairs:
        name, _, path = pair.partition("=")
        if not name or not path:
            raise typer.BadParameter(f"{pair!r} is not NAME=PATH", param_hint="--from")
        if name in given:
            raise typer.BadParameter(f"{name!r} stands there twice; one place a source", param_hint="--from")
        given[name] = Path(path).expanduser()
    return given


def show_fetched(fetched: FetchedImages, to: Path, dry_run: bool, as_json: bool) -> None:
    """Print a row a source, how many of how many there are, and the reasons of those that are missing."""
    from fieldguide.runtime.tables import show, show_json

    if as_json:
        show_json({"to": str(to), "planned": dry_run, "sources": fetched.sources, "missing": fetched.missing})
        return
    show(fetched.sources, _COLUMNS)
    here = fetched.images - sum(source.missing for source in fetched.sources)
    print(f"{here:,} of {fetched.images:,} images {'would be' if dry_run else 'are'} in {to}/")
    reasons = Counter((one.source, one.reason, one.detail) for one in fetched.missing)
    for (source, reason, detail), count in reasons.most_common(_SHOWN):
        print(f"{source}: {count:,} {reason}: {detail}")
    if len(reasons) > _SHOWN:
        print(f"and {len(reasons) - _SHOWN:,} more reasons")
    if fetched.missing and not dry_run:
        print(f"each one: {to / 'fetched.json'}")
