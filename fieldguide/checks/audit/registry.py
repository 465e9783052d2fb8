"""Checks by name. A check is a function from the subject of an audit to what it observes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from fieldguide.checks.audit.finding import Observation
from fieldguide.checks.audit.subject import AuditSubject

Need = Literal["prompts", "images", "scores"]
Observe = Callable[[AuditSubject], Iterable[Observation]]


@dataclass(frozen=True)
class AuditCheck:
    """One general check.

    Attributes:
        name: `family.what`.
        proves: what a finding of it establishes.
        cannot: what it does not establish, or cannot see.
        advice: what to do about a finding.
        need: the input beside the benchmark that it needs.
    """

    name: str
    proves: str
    cannot: str
    advice: str
    need: Need | None
    observe: Observe


CHECKS: dict[str, AuditCheck] = {}


def check(
    name: str, *, proves: str, cannot: str, advice: str, need: Need | None = None
) -> Callable[[Observe], Observe]:
    """Register a check under `name`.

    Raises:
        ValueError: the name is taken.
    """

    def register(observe: Observe) -> Observe:
        if name in CHECKS:
            raise ValueError(f"there is a check {name} already")
        CHECKS[name] = AuditCheck(name, proves, cannot, advice, need, observe)
        return observe

    return register
