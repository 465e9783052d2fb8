"""Progress of long work, reported by the library and shown by whoever calls it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Wraps an iterable and reports how far it is consumed.

    `what` names the work ("drawing"), `unit` its items ("images"), `total` their number if known.
    """

    def __call__(self, items: Iterable[T], what: str, *, unit: str = "", total: int | None = None) -> Iterator[T]:
        """Yield the items unchanged."""
        ...


def silent(items: Iterable[T], what: str, *, unit: str = "", total: int | None = None) -> Iterator[T]:
    """A `Track` that shows nothing."""
    yield from items
