"""Kinds of generators, and the one of a section of params.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fieldguide.models.generators.section import AnyGenerator
from fieldguide.models.loading.protocols import Generator
from fieldguide.models.loading.registry import Registry

GENERATORS: Registry[AnyGenerator, Generator] = Registry("generator", "fieldguide.models.generators")


def load_generator(name: str, spec: AnyGenerator, root: Path = Path(), asked: Iterable[str] = ()) -> Generator:
    """The generator `generators.NAME` of params.yaml; paths are relative to `root`.

    Raises:
        FieldguideError: unknown kind, or (ProblemsError) all packages, keys and files that are missing, and those of
            the entities `asked` that it was not trained on.
    """
    return GENERATORS.load(name, spec, root, asked)
