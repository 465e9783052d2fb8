"""The annotation server of this machine.

python -m fieldguide.cli.label_studio [install | start [--port N] | stop | status]    `start` where nothing is said
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.errors import FieldguideError, ending_in_words
from fieldguide.core.paths import Paths
from fieldguide.params import read_params

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="The annotation server of this machine.",
)  # fmt: skip


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        start()


@app.command()
def install() -> None:
    """Install Label Studio if it is missing or its pins have changed; a running server is left alone."""
    from fieldguide.annotation.label_studio.installing import label_studio
    from fieldguide.annotation.label_studio.server import running

    address = running(Paths())
    print(f"Label Studio: runs at {address}" if address else f"Label Studio: {label_studio(Paths(), _say)}")


@app.command()
def start(
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; the next free one where it is taken.", min=1024, max=65535)
    ] = None,
) -> None:
    """Install Label Studio if it is missing, start it unless it runs, make everybody's account; say how to sign in."""
    from fieldguide.annotation.label_studio import server
    from fieldguide.annotation.label_studio.accounts import URL, accounts_file

    if os.environ.get(URL):
        raise FieldguideError(f"{URL} is set: the server is elsewhere; unset it to start one on this machine")
    paths, annotate = Paths(), read_params().annotate
    accounts = server.start(paths, annotate, port, _say)
    print(f"Label Studio listens at {accounts.url} (log: {server.log_file(paths)})")
    print(f"sign in with the addresses and passwords in {accounts_file(paths)}, which only you can read:")
    print(f"  manager: {accounts.manager.email}")
    for name, account in sorted(accounts.people.items()):
        print(f"  {_role(name, annotate)} {name}: {account.email}")
    print("next: fieldguide annotate plan, then fieldguide annotate push")


@app.command()
def stop() -> None:
    """End the server; judgments and accounts stay."""
    from fieldguide.annotation.label_studio.server import stop

    print("stopped" if stop(Paths()) else "no server of this benchmark runs on this machine")


@app.command()
def status() -> None:
    """Say where the server listens; exit status 1 if it does not run."""
    from fieldguide.annotation.label_studio.server import running

    address = running(Paths())
    print(address or "no server of this benchmark runs on this machine; start it: make annotate")
    if address is None:
        raise typer.Exit(1)


def _role(name: str, annotate: Annotate) -> str:
    if name == annotate.adjudicator:
        return "adjudicator"
    return "assessor" if name in annotate.assessors else "no longer asked:"


def _say(words: str) -> None:
    print(words, flush=True)


def main() -> None:
    """Run a command; an error that is the user's to mend is printed without a traceback."""
    with ending_in_words("label_studio"):
        app()


if __name__ == "__main__":
    main()
