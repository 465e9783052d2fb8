"""Kinds of encoders, generators and captioners: found by name, built when used, described without being loaded.

A kind of our own is a class under `encoders/`, `generators/` or `captioners/` with a decorator; another package adds
one by an entry point in the group `fieldguide.encoders`, `fieldguide.generators` or `fieldguide.captioners` whose name
is the kind and whose target carries the same decorator. Modules that register kinds import nothing heavy at the top,
so that listing kinds is cheap.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.models.loading import hub
from fieldguide.models.loading.protocols import Modality


class Described(Protocol):
    """A section of params.yaml that says of which kind it is."""

    @property
    def kind(self) -> str:
        """As in params.yaml."""
        ...


Spec = TypeVar("Spec", bound=Described)
Model = TypeVar("Model")
Build = Callable[[str, Spec, Path], Model]
BuildT = TypeVar("BuildT", bound=Callable[..., object])


@dataclass(frozen=True)
class ModelKind(Generic[Spec, Model]):
    """One way to make a model.

    Attributes:
        name: as `kind` in params.yaml.
        build: (name in params.yaml, its section, root of the repository) to the model; checked files are there.
        modules: what has to be installed.
        files: for each key of the section that has to be set, the files needed in the folder that it names
            (none: it names a file).
        modalities: what an encoder encodes; empty for the others.
    """

    name: str
    build: Build[Spec, Model]
    modules: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]
    modalities: tuple[Modality, ...] = ()

    def problems(self, where: str, spec: Spec, root: Path) -> Iterator[Problem]:
        """Everything that keeps this kind from being built with `spec`."""
        yield from self.missing_modules(where)
        for key, members in self.files.items():
            value = getattr(spec, key, None)
            if key in ("weights", "path") and hub.is_elsewhere(spec):
                repository = hub.repository(spec)
                yield from hub.problems(f"{where}.hub", repository, members) if repository else ()
                continue
            if value is None:
                yield Problem(f"{where}.{key}", f"is empty; kind {self.name} needs a path")
                continue
            needed = [Path(value) / member for member in members] or [Path(value)]
            for path in needed:
                if not (root / path).is_file():
                    yield Problem(f"{where}.{key}", f"{path}: no such file; {_source(path)}")

    def missing_modules(self, where: str) -> Iterator[Problem]:
        """Packages that are not installed."""
        for module in self.modules:
            if importlib.util.find_spec(module) is None:
                yield Problem(where, f"kind {self.name} needs the package {module}; install it with pip")


def _source(path: Path) -> str:
    """How to come by a missing file."""
    if path.is_relative_to("data/models"):
        return "it is part of the repository: `git checkout data/models`"
    if path.is_relative_to("data/input"):
        return "`make data` fetches the example's weights"
    return "paths are relative to params.yaml"


class Registry(Generic[Spec, Model]):
    """All kinds of one role."""

    def __init__(self, role: str, builtin: str) -> None:
        self.role = role
        self.group = f"fieldguide.{role}s"
        self._builtin = builtin
        self._kinds: dict[str, ModelKind[Spec, Model]] = {}

    def register(
        self,
        name: str,
        *,
        modules: tuple[str, ...],
        files: Mapping[str, tuple[str, ...]],
        modalities: tuple[Modality, ...] = (),
    ) -> Callable[[BuildT], BuildT]:
        """Decorator for a class or function `(name, spec, root)`; see `ModelKind` for the arguments."""

        def keep(build: BuildT) -> BuildT:
            if name in self._kinds:
                raise ValueError(f"{self.role} kind {name!r} is registered twice")
            self._kinds[name] = ModelKind(name, build, modules, files, modalities)  # type: ignore[arg-type]
            return build

        return keep

    def names(self) -> list[str]:
        """Every kind that can be named in params.yaml, sorted."""
        package = importlib.import_module(self._builtin)
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
        return sorted({*self._kinds, *self._plugins()})

    def get(self, name: str, where: str) -> ModelKind[Spec, Model]:
        """The kind of that name.

        Args:
            name: the kind.
            where: the key of params.yaml that names it, for the error.

        Raises:
            FieldguideError: no such kind, or the package that offers it does not load.
        """
        if name not in self.names():
            raise FieldguideError(f"{where} is {name!r}; allowed: {', '.join(self.names())}")
        if name not in self._kinds:
            plugin = self._plugins()[name]
            try:
                plugin.load()
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                raise FieldguideError(
                    f"{where} is {name!r}, offered by {plugin.value}, which fails: {reason}"
                ) from error
        if name not in self._kinds:
            raise FieldguideError(f"{where} is {name!r}, but {plugin.value} registers no such kind")
        return self._kinds[name]

    def load(self, name: str, spec: Spec, root: Path) -> Model:
        """Build the model of a section of params.yaml.

        Raises:
            FieldguideError: no such kind.
            ProblemsError: packages, keys or files are missing; all of them.
        """
        where = f"{self.role}s.{name}"
        kind = self.get(spec.kind, f"{where}.kind")
        problems = list(kind.problems(where, spec, root))
        if problems:
            raise ProblemsError(f"the {self.role} {name!r} of params.yaml cannot be loaded:", problems)
        return kind.build(name, spec, root)

    def able(self, modality: Modality) -> list[str]:
        """Kinds that encode a modality, sorted."""
        return sorted(kind.name for kind in self._kinds.values() if modality in kind.modalities)

    def _plugins(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group)}
