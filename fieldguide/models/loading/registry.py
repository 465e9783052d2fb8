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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.models.loading import hub
from fieldguide.models.loading.protocols import Modality
from fieldguide.models.networks import stored
from fieldguide.models.networks.stored import Training


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
        trained: the key of the section that names the folder of weights that were trained on named entities.
    """

    name: str
    build: Build[Spec, Model]
    modules: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]
    modalities: tuple[Modality, ...] = ()
    trained: str | None = None

    def training(self, spec: Spec, root: Path) -> Training | None:
        """What a model of this kind was trained on, where it says so: it knows these entities and no others."""
        return stored.training_of(root / getattr(spec, self.trained)) if self.trained else None

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


def _some(names: Iterable[str], most: int = 5) -> str:
    """A few names and how many more there are."""
    found = sorted(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def _source(path: Path) -> str:
    """How to come by a missing file."""
    if path.is_relative_to("data/models"):
        return "`git checkout data/models` where it was committed, else `fieldguide train --help`"
    if path.is_relative_to("data/input"):
        return "`fieldguide weights` places the small networks of installed packages (`make data` the example's input)"
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
        trained: str | None = None,
    ) -> Callable[[BuildT], BuildT]:
        """Decorator for a class or function `(name, spec, root)`; see `ModelKind` for the arguments."""

        def keep(build: BuildT) -> BuildT:
            if name in self._kinds:
                raise ValueError(f"{self.role} kind {name!r} is registered twice")
            self._kinds[name] = ModelKind(name, build, modules, files, modalities, trained)  # type: ignore[arg-type]
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

    def load(self, name: str, spec: Spec, root: Path, asked: Iterable[str] = ()) -> Model:
        """Build the model of a section of params.yaml, to be asked for the entities `asked`.

        Raises:
            FieldguideError: no such kind.
            ProblemsError: packages, keys or files are missing, or entities that it does not know are asked for; all.
        """
        problems = list(self.problems(name, spec, root, asked))
        if problems:
            raise ProblemsError(f"the {self.role} {name!r} of params.yaml cannot be loaded:", problems)
        return self.get(spec.kind, "").build(name, spec, root)

    def problems(self, name: str, spec: Spec, root: Path, asked: Iterable[str] = ()) -> Iterator[Problem]:
        """What keeps a model from being built: packages, keys, files; and which of the entities `asked` it cannot know.

        Raises:
            FieldguideError: no such kind.
        """
        where = f"{self.role}s.{name}"
        kind = self.get(spec.kind, f"{where}.kind")
        yield from kind.problems(where, spec, root)
        training = kind.training(spec, root)
        lacking = sorted(set(asked) - training.entities) if training else []
        if training and lacking:
            yield Problem(
                where,
                f"was trained on {len(training.entities)} entities ({_some(training.entities)}) and knows no others: "
                f"not {_some(lacking)}; take another one, or train one on your own photographs "
                f"(`fieldguide train {'generator' if self.role == 'generator' else 'text-tower'} --dry-run`)",
            )

    def training(self, name: str, spec: Spec, root: Path) -> Training | None:
        """As `ModelKind.training`, of a section of params.yaml.

        Raises:
            FieldguideError: no such kind.
        """
        return self.get(spec.kind, f"{self.role}s.{name}.kind").training(spec, root)

    def encodes(self, name: str, modality: Modality) -> bool:
        """Whether models of a kind encode a modality; those of a kind that is not there do not."""
        try:
            return modality in self.get(name, "kind").modalities
        except FieldguideError:
            return False

    def able(self, modality: Modality) -> list[str]:
        """Kinds that encode a modality, sorted."""
        return sorted(kind.name for kind in self._kinds.values() if modality in kind.modalities)

    def _plugins(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group)}
