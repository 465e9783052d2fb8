"""`fieldguide calls`: what models were asked, what it cost, and answers taken over from a release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fieldguide.core.paths import Paths
    from fieldguide.models.calls.estimate import CallEstimate
    from fieldguide.params import Params

app = typer.Typer(
    help="Show what was asked of paid or slow models and what it cost; take answers over from a release.",
    no_args_is_help=True,
)
_COLUMNS = ("kind", "model", "calls", "refused", "tokens_in", "tokens_out", "images", "money", "seconds")
_ESTIMATED = (
    "stage",
    "model",
    "calls",
    "stored",
    "tokens_in",
    "tokens_out",
    "images",
    "money",
    "most",
    "hours",
    "note",
)


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


def show_estimate(paths: Paths, params: Params, as_json: bool) -> None:
    """`fieldguide build --estimate`: print what each stage will ask, and whether calls.budget will do.

    Raises:
        FieldguideError: params.yaml, the store or a table is not valid.
    """
    from fieldguide.models.calls.caller import open_caller
    from fieldguide.models.calls.estimate import verdict
    from fieldguide.runtime import tables
    from fieldguide.runtime.estimates import estimates

    calls = open_caller(paths.root)
    found = list(estimates(params, paths, calls))
    if as_json:
        left = {"spent": calls.budget.spent(), "budget": calls.spending.budget}
        tables.show_json({"stages": found, **left})
        return
    if not found:
        print("no stage of params.yaml makes calls: nothing is sent, and nothing has to be paid")
        return
    tables.show([_row(one) for one in found], _ESTIMATED)
    print(verdict(found, calls.budget.spent(), calls.spending.budget))


def _row(one: CallEstimate) -> dict[str, object]:
    return {
        "stage": one.stage, "model": one.model, "calls": one.calls, "stored": one.stored,
        "tokens_in": one.input_tokens, "tokens_out": one.output_tokens, "images": one.images,
        "money": None if one.money is None else round(one.money, 4),
        "most": None if one.most is None else round(one.most, 4), "hours": round(one.hours, 3), "note": one.note,
    }  # fmt: skip
