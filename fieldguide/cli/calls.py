"""`fieldguide calls`: what models were asked, what it cost, and answers taken over from a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Show what was asked of paid or slow models and what it cost; take answers over from a release.",
    no_args_is_help=True,
)
_COLUMNS = ("kind", "model", "calls", "refused", "tokens_in", "tokens_out", "images", "money", "seconds")


@app.command("list", epilog="Example: fieldguide calls list --json | jq '.[].money'")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """Print the answers that are kept (data/calls), by model, and what is left of calls.budget."""
    from fieldguide.models.calls.caller import open_caller
    from fieldguide.models.calls.store import totals_by_model
    from fieldguide.runtime import tables

    calls = open_caller(Path())
    rows = totals_by_model(calls.store.calls())
    tables.show(rows, _COLUMNS, as_json)
    if not as_json:
        print(f"spent or set aside: {calls.budget.spent():.4f} of calls.budget {calls.spending.budget:.4f}")


@app.command(epilog="Example: fieldguide calls add data/release")
def add(folder: Annotated[Path, typer.Argument(help="A release, or the folder `calls` of one.")]) -> None:
    """Take over the answers of a release: a build asks for none of them, and needs no key for them."""
    from fieldguide.models.calls.store import CALLS, CallStore

    packed = folder if (folder / CALLS).exists() else folder / "calls"
    new, held = CallStore.at(Path()).unpack(packed)
    print(f"{new} of {held} calls taken over; {held - new} were here already")
