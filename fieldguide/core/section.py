"""What every section of params.yaml is made of."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fieldguide.core.errors import Problem

Item = TypeVar("Item", bound=Hashable)


def once_each(items: list[Item]) -> list[Item]:
    """The items; pydantic refuses the list where one stands there twice."""
    twice = [item for item in dict.fromkeys(items) if items.count(item) > 1]
    if twice:
        raise ValueError(f"{', '.join(map(repr, twice))} stands there more than once")
    return items


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Names = Annotated[list[Name], AfterValidator(once_each)]
# Strict: YAML's `true` is no 1.
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Positive = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Draws = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]


def problems_of(error: ValidationError, where: str) -> list[Problem]:
    """What is wrong with each key below `where`."""
    return [Problem(".".join(map(str, (where, *e["loc"]))), e["msg"]) for e in error.errors()]


class Section(BaseModel):
    """A part of params.yaml; unknown keys are errors, values do not change once read, no number is infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)
