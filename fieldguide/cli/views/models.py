"""What `fieldguide models` prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import yaml

from fieldguide.core.errors import FieldguideError
from fieldguide.models.catalogue import UsualModel, usual_models


def show_models(name: str | None, as_json: bool) -> None:
    """The table of all, or the section of one, to be pasted.

    Raises:
        FieldguideError: none has that name.
    """
    from fieldguide.runtime.tables import show, show_json

    known = {model.name: model for model in usual_models()}
    if name is None:
        rows = [asdict(model) | {"parameters": _parameters(model)} for model in known.values()]
        show(rows, ("role", "name", "parameters", "licence", "source", "about"), as_json)
        if not as_json:
            print("`fieldguide models NAME` prints its section for params.yaml.")
        return
    if name not in known:
        raise FieldguideError(
            f"no model {name!r} is listed; there are {', '.join(known)} (any other of their kinds too)"
        )
    if as_json:
        show_json(known[name])
    else:
        print("\n".join(_pasted(known[name])))


def _parameters(model: UsualModel) -> str:
    return "-" if model.millions is None else f"{model.millions:,} M"


def _pasted(model: UsualModel) -> Iterator[str]:
    yield f"# {model.source}; {model.licence}; {_parameters(model)} parameters, {model.about}"
    if "hub" in model.section:
        folder = Path("data/input/weights") / model.name
        key = "weights" if model.role == "encoders" else "path"
        yield f"# fetched when it is first used; or put its folder there and write `{key}: {folder}` in place of `hub`"
    yield yaml.safe_dump({model.role: {model.name: model.section}}, sort_keys=False, width=160).rstrip()
    used = (
        f"embed:\n  encoders: [..., {model.name}]"
        if model.role == "encoders"
        else f"visualize:\n  generator: {model.name}"
    )
    yield f"# and then:\n{used}"
