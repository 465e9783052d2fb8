"""`fieldguide label-studio`: the annotation server of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from fieldguide.annotation.planning.section import Annotate

app = typer.Typer(help="The annotation server of this machine.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def install() -> None:
    """Install Label Studio if it is missing or its pins have changed; a running server is left alone."""
    from fieldguide.annotation.label_studio.installing import label_studio
    from fieldguide.annotation.label_studio.server import running
    from fieldguide.core.paths import Paths

    address = running(Paths())
    print(f"Label Studio: runs at {address}" if address else f"Label Studio: {label_studio(Paths(), _say)}")


@app.command(epilog="Example: fieldguide label-studio start --port 8310")
def start(
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; the next free one where it is taken.", min=1024, max=65535)
    ] = None,
) -> None:
    """Install Label Studio if it is missing, start it unless it runs, make everybody's account; say how to sign in."""
    from fieldguide.annotation.label_studio import server
    from fieldguide.annotation.label_studio.accounts import URL, accounts_file
    from fieldguide.core.paths import Paths
    from fieldguide.params import read_params

    if os.environ.get(URL):
        raise FieldguideError(f"{URL} is set: the server is elsewhere; unset it to start one on this machine")
    paths, annotate = Paths(), read_params().annotate
    accounts = server.start(paths, annotate, port, _say)
    print(f"Label Studio listens at {accounts.url} (log: {server.log_file(paths)})")
    print(f"sign in with the addresses and passwords in {accounts_file(paths)}, which only you can read:")
    print(f"  manager: {accounts.manager.email}")
    for name, account in sorted(accounts.people.items()):
        print(f"  {_role(name, annotate)} {name}: {account.email}")
    print("next: fieldguide annotate plan, then fieldguide annotate serve")


@app.command()
def stop() -> None:
    """End the server; judgments and accounts stay."""
    from fieldguide.annotation.label_studio.server import stop
    from fieldguide.core.paths import Paths

    print("stopped" if stop(Paths()) else "no server of this benchmark runs on this machine")


@app.command()
def status() -> None:
    """Say where the server listens; exit status 1 if it does not run."""
    from fieldguide.annotation.label_studio.server import running
    from fieldguide.core.paths import Paths

    address = running(Paths())
    print(address or "no server of this benchmark runs on this machine; start it: fieldguide label-studio start")
    if address is None:
        raise typer.Exit(1)


def _role(name: str, annotate: Annotate) -> str:
    if name == annotate.adjudicator:
        return "adjudicator"
    return "assessor" if name in annotate.assessors else "no longer asked:"


def _say(words: str) -> None:
    print(words, flush=True)
