"""What is installed, what can be used, and what is missing with the way to get it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.section import Section
from fieldguide.models.calls.section import Endpoint
from fieldguide.params import Params, read_params
from fieldguide.params.document import left_out
from fieldguide.params.ready import unready
from fieldguide.projects.project import other_library

PACKAGES = (
    "prefect", "dvc", "torch", "torchvision", "diffusers", "transformers", "open_clip_torch", "label-studio-sdk",
    "great-expectations", "ir-measures", "pandas", "pyarrow", "numpy", "pytest",
)  # fmt: skip


@dataclass(frozen=True)
class Inspection:
    """One thing looked at. `problem` keeps the benchmark from being built; `note` does not."""

    group: str
    name: str
    verdict: Literal["ok", "note", "problem"]
    detail: str


def examine(root: Path) -> Iterator[Inspection]:
    """Look at the machine, the packages, params.yaml, the inputs and the models; open no connection."""
    yield Inspection(
        "machine", "python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    )
    yield Inspection("machine", "processors", "ok", f"{os.cpu_count()}")
    yield from _packages()
    yield from _torch()
    try:
        params = read_params(root / "params.yaml")
    except ProblemsError as error:
        for problem in error.problems:
            yield Inspection("params.yaml", problem.where.partition(": ")[2], "problem", problem.what)
        return
    except FieldguideError as error:
        yield Inspection("params.yaml", str(root), "problem", str(error))
        return
    yield Inspection("params.yaml", "sections", "ok", f"{len(params.systems)} systems, {len(params.encoders)} encoders")
    other = other_library(root)
    problems = [*([other] if other else []), *unready(params, root)]
    for problem in problems:
        yield Inspection("build", problem.where.removeprefix("params.yaml: "), "problem", problem.what)
    told = {problem.where for problem in problems}
    yield from (found for found in _models(params, root) if not _is_told(found, told))
    for name, lack in left_out(params).items():
        yield Inspection("systems", name, "note", f"left out: {lack}")
    yield from _calls(params)


def _is_told(found: Inspection, told: Collection[str]) -> bool:
    """Whether what keeps a model from being used was told of its section already."""
    where = f"{found.group}.{found.name}"
    return found.verdict == "problem" and any(place == where or place.startswith(f"{where}.") for place in told)


def _packages() -> Iterator[Inspection]:
    for name in PACKAGES:
        try:
            yield Inspection("packages", name, "ok", version(name))
        except PackageNotFoundError:
            verdict: Literal["note", "problem"] = "note" if name == "pytest" else "problem"
            yield Inspection("packages", name, verdict, "not installed; `make install` installs all of them")


def _torch() -> Iterator[Inspection]:
    try:
        import torch
    except ImportError as error:
        yield Inspection("machine", "accelerator", "problem", f"torch cannot be imported: {error}")
        return
    if torch.cuda.is_available():
        yield Inspection("machine", "accelerator", "ok", torch.cuda.get_device_name(0))
    else:
        yield Inspection("machine", "accelerator", "note", f"none; models run on {torch.get_num_threads()} threads")


def _models(params: Params, root: Path) -> Iterator[Inspection]:
    from fieldguide.answering.answerers.registry import ANSWERERS
    from fieldguide.models.available import availability_of, available_kinds

    used = {
        *params.embed.encoders, params.visualize.generator, params.caption.captioner, *params.answer.answerers,
    } - {None}  # fmt: skip
    found = available_kinds(params.encoders, params.generators, params.captioners, root)
    for kind in [*found, *availability_of(ANSWERERS, params.answerers, root)]:
        verdict: Literal["ok", "note", "problem"] = "ok" if kind.usable else "problem" if kind.name in used else "note"
        detail = f"{kind.kind}, can be used" if kind.name is not None else "available, not used"
        yield Inspection(f"{kind.role}s", kind.name or kind.kind, verdict, detail if kind.usable else kind.reason)


def _calls(params: Params) -> Iterator[Inspection]:
    """Every endpoint that params.yaml names: whether there is a key, a price and, where it costs, a budget."""
    from fieldguide.models.calls.pricing import price_of

    found = list(_endpoints("", params))
    if not found:
        yield Inspection(
            "calls", "endpoints", "note", "none in params.yaml: templates and models of this machine are used"
        )
    for where, endpoint in found:
        try:
            price_of(params.calls, endpoint)
            problem = ""
        except FieldguideError as error:
            problem = str(error)
        if not os.environ.get(endpoint.api_key_variable):
            problem = f"{endpoint.where}: set {endpoint.api_key_variable} in the environment"
        yield Inspection("calls", where, "problem" if problem else "ok", problem or endpoint.where)


def _endpoints(where: str, value: object) -> Iterator[tuple[str, Endpoint]]:
    """Where each endpoint stands in params.yaml."""
    if isinstance(value, Endpoint):
        yield where, value
    elif isinstance(value, Section):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    elif isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _endpoints(f"{where}.{name}".lstrip("."), inner)


def healthy(findings: list[Inspection]) -> bool:
    """Whether nothing keeps the benchmark from being built."""
    return all(finding.verdict != "problem" for finding in findings) and sys.version_info >= (3, 11)
