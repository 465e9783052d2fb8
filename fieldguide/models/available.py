"""Which encoders, generators and captioners can be used here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.models.captioners.registry import CAPTIONERS
from fieldguide.models.captioners.section import AnyCaptioner
from fieldguide.models.encoders.registry import ENCODERS
from fieldguide.models.encoders.section import EncoderSection
from fieldguide.models.generators.registry import GENERATORS
from fieldguide.models.generators.section import AnyGenerator
from fieldguide.models.loading.registry import Model, Registry, Spec


@dataclass(frozen=True)
class Availability:
    """Whether a kind can be used here.

    `name` is its name in params.yaml, None for a kind that is not used there; `reason` says why not, empty if usable.
    """

    role: str
    kind: str
    name: str | None
    usable: bool
    reason: str


def available_kinds(
    encoders: Mapping[str, EncoderSection] | None = None,
    generators: Mapping[str, AnyGenerator] | None = None,
    captioners: Mapping[str, AnyCaptioner] | None = None,
    root: Path = Path(),
) -> list[Availability]:
    """Every encoder, generator and captioner of params.yaml, then every kind that it does not use; loads no model."""
    return [
        *availability_of(ENCODERS, encoders or {}, root),
        *availability_of(GENERATORS, generators or {}, root),
        *availability_of(CAPTIONERS, captioners or {}, root),
    ]


def availability_of(registry: Registry[Spec, Model], specs: Mapping[str, Spec], root: Path) -> Iterator[Availability]:
    """Everything of one role that params.yaml names, then every kind that it does not use."""
    used: list[tuple[str, str | None]] = [(spec.kind, name) for name, spec in specs.items()]
    unused: list[tuple[str, str | None]] = [(k, None) for k in registry.names() if k not in {u for u, _ in used}]
    for kind, name in used + unused:
        where = f"{registry.role}s.{name or kind}"
        try:
            found = registry.get(kind, f"{where}.kind")
            problems = found.problems(where, specs[name], root) if name else found.missing_modules(where)
            reason = "; ".join(str(problem) for problem in problems)
        except FieldguideError as error:
            reason = str(error)
        yield Availability(registry.role, kind, name, not reason, reason)
