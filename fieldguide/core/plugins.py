"""Kinds that other packages offer by entry points, beside those of this one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib.metadata import entry_points
from typing import Any, TypeVar, get_args

from pydantic import model_validator

from fieldguide.core.section import Section

S = TypeVar("S", bound=Section)


def by_kind(*sections: type[S]) -> dict[str, type[S]]:
    """Sections by the one kind that each is for."""
    return {get_args(section.model_fields["kind"].annotation)[0]: section for section in sections}


def check_offered(kind: str, builtin: Collection[str], group: str) -> None:
    """Refuse a kind that neither this package has nor any installed one offers in that group of entry points.

    Raises:
        ValueError: lists the kinds that there are.
    """
    offered = {point.name for point in entry_points(group=group)}
    if kind not in offered:
        kinds = ", ".join(map(repr, sorted({*builtin, *offered})))
        raise ValueError(f"kind {kind!r} is none of {kinds}, and no installed package offers it")


def offered_kind(group: str, builtin: Callable[[], Collection[str]]) -> Any:
    """A validator for sections of any kind that another package offers; `builtin`: asked when a section is read."""

    def check(section: S) -> S:
        check_offered(getattr(section, "kind"), builtin(), group)  # noqa: B009 - every kind has its own type
        return section

    return model_validator(mode="after")(check)


def tag_by_kind(builtin: Collection[str]) -> Callable[[Any], str]:
    """The discriminator of a union of sections: the kind; `plugin` for one that is none of `builtin`."""

    def tag(value: Any) -> str:
        kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
        return str(kind) if isinstance(kind, str) and kind in builtin else "plugin"

    return tag
