"""`fieldguide build --estimate`: what the calls of every stage will take, before any is sent."""

from __future__ import annotations

from fieldguide.core.paths import Paths
from fieldguide.models.calls.caller import open_caller
from fieldguide.models.calls.estimate import CallEstimate, verdict
from fieldguide.params import Params
from fieldguide.runtime.estimates import estimates

COLUMNS = ("stage", "model", "calls", "stored", "tokens_in", "tokens_out", "images", "money", "most", "hours", "note")


def show(paths: Paths, params: Params, as_json: bool) -> None:
    """Print what each stage will ask, and whether calls.budget will do.

    Raises:
        FieldguideError: params.yaml, the store or a table is not valid.
    """
    from fieldguide.runtime import tables

    calls = open_caller(paths.root)
    found = list(estimates(params, paths, calls))
    if as_json:
        left = {"spent": calls.budget.spent(), "budget": calls.spending.budget}
        tables.show_json({"stages": found, **left})
        return
    if not found:
        print("no stage of params.yaml makes calls: nothing is sent, and nothing has to be paid")
        return
    tables.show([_row(one) for one in found], COLUMNS)
    print(verdict(found, calls.budget.spent(), calls.spending.budget))


def _row(one: CallEstimate) -> dict[str, object]:
    return {
        "stage": one.stage, "model": one.model, "calls": one.calls, "stored": one.stored,
        "tokens_in": one.input_tokens, "tokens_out": one.output_tokens, "images": one.images,
        "money": None if one.money is None else round(one.money, 4),
        "most": None if one.most is None else round(one.most, 4), "hours": round(one.hours, 3), "note": one.note,
    }  # fmt: skip
