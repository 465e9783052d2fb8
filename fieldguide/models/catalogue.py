"""Usual choices of encoders and generators, with where they come from: catalogue.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fieldguide.core.yaml_files import read_yaml

Role = Literal["encoders", "generators"]


@dataclass(frozen=True)
class UsualModel:
    """A model that many take.

    Attributes:
        role: the part of params.yaml that its section belongs to.
        name: proposed, in that part.
        section: what params.yaml then holds.
        source: where the weights are published.
        licence: the publisher's words.
        millions: of parameters; None for one behind an API.
        about: why one would take it.
    """

    role: Role
    name: str
    section: dict[str, Any]
    source: str
    licence: str
    millions: int | None
    about: str


def usual_models() -> list[UsualModel]:
    """All of catalogue.yaml, in its order."""
    values = read_yaml(Path(__file__).with_name("catalogue.yaml"))
    roles: tuple[Role, ...] = ("encoders", "generators")
    return [
        UsualModel(role, name, m["section"], m["from"], m["licence"], m["millions"], m["about"])
        for role in roles
        for name, m in values[role].items()
    ]
