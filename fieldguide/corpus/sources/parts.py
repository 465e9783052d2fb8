"""Parts of a source: what one worker reads at a time, here or on another machine that sees the same files."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from fieldguide.corpus.sources.section import ImageSource

T = TypeVar("T")
_CANDIDATES = 1 << 14
_BYTES = 1 << 26
"""A part has about so many candidates or bytes, whichever is less; a single large file may be more."""


@dataclass(frozen=True)
class Part:
    """A stretch of a source. It is small and can be sent to another process; what it names is read there.

    Attributes:
        file: of many tars the one that it is of.
        first: number of its first candidate in its file or table, from 0.
        start, stop: bytes of a tar, or row groups of a table; `stop` None: to the end.
        listed: of a folder its files, of a manifest its rows.
    """

    source: ImageSource
    first: int = 0
    start: int = 0
    stop: int | None = None
    listed: tuple[Any, ...] = ()
    file: str = ""


def begins_part(name: bytes, size: int) -> bool:
    """Whether the candidate of that name and of `size` bytes begins a part.

    It depends on the candidate alone, so that one more or one less moves no other boundary, and all parts but one
    stay what they were.
    """
    return zlib.crc32(name) * _CANDIDATES * _BYTES < (1 << 32) * (_BYTES + size * _CANDIDATES)


def listed_parts(source: ImageSource, named: Iterable[tuple[str, T]]) -> Iterator[Part]:
    """Parts of what is listed by (name, entry)."""
    first, entries = 0, list[T]()
    for name, entry in named:
        if entries and begins_part(name.encode(errors="surrogateescape"), _USUAL):
            yield Part(source, first, listed=tuple(entries))
            first, entries = first + len(entries), []
        entries.append(entry)
    if entries:
        yield Part(source, first, listed=tuple(entries))


_USUAL = 1 << 16
"""Bytes of a file that is only listed: asking for its size would take as long as reading a small one."""
