"""The files of a release taken apart into cells that stand together: a row, a line, an object, a member of a tar."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from itertools import batched
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import byte_lines, open_input, read_json, read_text
from fieldguide.publishing.release.private.marks import Marks

_LINES = (".jsonl", ".trec", ".tsv", ".csv")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_CHUNK = 20_000
"""Lines that are looked through at once: words are looked up once each."""
_FIELDS = re.compile(r"[\t,;|]")


class Cell(NamedTuple):
    """A value and the keys that lead to it, the outermost first; texts have none."""

    keys: tuple[str, ...]
    value: Any


class Together(NamedTuple):
    """Cells that stand together. `line`: they are one row, line or object, and not a paragraph of prose."""

    where: str
    cells: tuple[Cell, ...]
    line: bool = True


def together(path: Path, name: str, marks: Marks) -> Iterator[Together]:
    """What stands together in a file and holds something that may be private; the rest is passed over.

    Raises:
        FieldguideError: it cannot be read, or is of no kind that can be looked through.
    """
    own = Cell((), name)
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            found = _rows(path, name, marks)
        elif suffix == ".tar":
            found = _members(path, name, marks)
        elif suffix in (".json", ".jsonl"):
            found = _documents(path, name)
        elif suffix in _LINES:
            found = _lines(path, name, marks)
        else:
            found = _prose(path, name)
        for one in found:
            yield one._replace(cells=(own, *one.cells))
    except (pa.ArrowException, tarfile.TarError, OSError, EOFError) as error:
        raise FieldguideError(f"{path}: cannot be looked through: {error}") from None


def _documents(path: Path, name: str) -> Iterator[Together]:
    if path.suffix.lower() == ".json":
        yield from _nodes(read_json(path), name)
        return
    for number, raw in byte_lines(path):
        line = _text(path, number, raw)
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            yield _line(f"{name}:{number}", line)
            continue
        yield from _nodes(value, f"{name}:{number}")


def _nodes(document: Any, where: str) -> Iterator[Together]:
    """Every object and list with the plain values in it and in the objects that it lies in, and the keys to it."""
    waiting: list[tuple[tuple[str, ...], tuple[Cell, ...], Any]] = [((), (), document)]
    while waiting:
        keys, around, value = waiting.pop()
        pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value) if _many(value) else ()
        plain, nested = [], []
        for key, item in pairs:
            path = keys if key is None else (*keys, str(key))
            if _many(item) and not (isinstance(item, list) and not any(map(_many, item))):
                nested.append((path, item))
            else:
                plain += [Cell(path, one) for one in (item if isinstance(item, list) else [item])]
        cells = (*around, *(Cell((), key) for key in keys[-1:]), *plain)
        if isinstance(value, dict):
            cells += tuple(Cell((), str(key)) for key in value)
        if plain or isinstance(value, dict):
            yield Together(where, cells)
        inner = cells if isinstance(value, dict) and keys else around if not isinstance(value, dict) else ()
        waiting += [(path, inner, item) for path, item in nested]


def _many(value: Any) -> bool:
    return isinstance(value, (dict, list))
