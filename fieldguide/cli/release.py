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
VERIFY_EPILOG = (
    "Examples: fieldguide release verify data/release    fieldguide release verify data/release --private .private"
)
SCORE_EPILOG = (
    "Examples: fieldguide score their-run.trec --as 'Team A' --dry    fieldguide score their-run.trec --as 'Team A'    "
    "fieldguide score their-run.trec --as 'Team A' --private ~/gulls/.private --release ~/gulls/data/release --json. "
    "Exit status: 0 scored, 1 the run is refused or no try is left."
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


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
    from fieldguide.cli.views.private import show_sealing
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
    from fieldguide.cli.views.private import show_score
    from fieldguide.publishing.release.private.score import score_privately

    show_score(score_privately(run, private, release, team, dry), as_json)


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
