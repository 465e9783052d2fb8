"""Kinds of systems: found by name, made of a section of params.yaml.

A kind of our own is a function in a module of this package with the decorator `system`; another package adds one by an
entry point in the group `fieldguide.systems` whose name is the kind and whose target carries the same decorator.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.section import problems_of
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.sections.systems import GROUP, PluginSystem, System

Rows = npt.NDArray[np.intp]


class CandidateScorer(Protocol):
    """Scores the candidates of a subtopic."""

    def __call__(self, subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        """Scores of `gallery[candidates]`, greater is better; NaN: not ranked; None: there is nothing to rank by."""
        ...


Factory = Callable[[Any, SearchCollection], CandidateScorer]
F = TypeVar("F", bound=Factory)
_FACTORIES: dict[str, Factory] = {}
_OPTIONS: dict[str, type[BaseModel]] = {}


def system(kind: str, options: type[BaseModel] | None = None) -> Callable[[F], F]:
    """Decorator of a function (section of params.yaml, collection) -> CandidateScorer.

    Args:
        kind: as `kind` in params.yaml.
        options: of another package's kind: what its section may hold beside `kind`, and what the function is given.
    """

    def register(factory: F) -> F:
        if kind in _FACTORIES:
            raise ValueError(f"system kind {kind!r} is registered twice")
        _FACTORIES[kind] = factory
        if options is not None:
            _OPTIONS[kind] = options
        return factory

    return register


def kinds() -> list[str]:
    """Every kind that can be named in params.yaml, sorted."""
    package = importlib.import_module("fieldguide.retrieval.systems.kinds")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    return sorted({*_FACTORIES, *_plugins()})


def make_system(spec: System, collection: SearchCollection) -> CandidateScorer:
    """The scorer that a section of params.yaml describes.

    Raises:
        FieldguideError: no such kind, the package that offers it does not load, or its options are not valid.
    """
    return _factory(spec.kind)(_options(spec) if isinstance(spec, PluginSystem) else spec, collection)


def _factory(kind: str) -> Factory:
    if kind not in _FACTORIES and kind not in kinds():  # looking through all packages takes a while
        raise FieldguideError(f"systems: kind {kind!r}; allowed: {', '.join(kinds())}")
    if kind not in _FACTORIES:
        _load(kind, _plugins()[kind])
    return _FACTORIES[kind]


def _load(kind: str, plugin: EntryPoint) -> None:
    try:
        plugin.load()
    except Exception as error:
        raise FieldguideError(
            f"systems: kind {kind!r} is offered by {plugin.value}, which fails: {type(error).__name__}: {error}"
        ) from error
    if kind not in _FACTORIES:
        raise FieldguideError(f"systems: kind {kind!r} is offered by {plugin.value}, which registers no such kind")


def _options(spec: PluginSystem) -> BaseModel:
    """What another package's section holds, as that package wants it."""
    options, given = _OPTIONS.get(spec.kind), dict(spec.model_extra or {})
    if options is None:
        return spec
    try:
        return options.model_validate(given)
    except ValidationError as error:
        where = f"params.yaml: systems (kind {spec.kind})"
        problems = problems_of(error, where)
        raise ProblemsError(f"the options of a system of kind {spec.kind!r} are not valid:", problems) from None


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def described(kind: str) -> str:
    """What systems of that kind do, with formula and source: what their function says of itself.

    Raises:
        FieldguideError: as `make_system`.
    """
    return inspect.getdoc(_factory(kind)) or ""


def module_of(kind: str) -> str:
    """Name of the module whose function makes systems of that kind.

    Raises:
        FieldguideError: as `make_system`.
    """
    return _factory(kind).__module__
