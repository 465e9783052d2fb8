"""Tables of text with a header (CSV, TSV): read whole, with the line of each row, and written again as they were."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.formats.collection import Oddity
from fieldguide.formats.text import text


@dataclass(frozen=True)
class Rows:
    """A table of text: columns, rows, the place of each row, how it was written, and what was noticed."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    places: tuple[str, ...]
    layout: Mapping[str, Any]
    oddities: tuple[Oddity, ...]

    def column(self, name: str) -> list[str]:
        """One column's cells."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


def read(path: Path, required: Sequence[str], delimiter: str = ",") -> Rows:
    """Read a table.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: columns that are missing or occur twice, or every row that has more or fewer cells.
    """
    content, oddities = text.without_mark(text.whole(path), path)
    if "\r\n" in content:
        oddities.append(Oddity(str(path), "windows-line-ends", "lines end in CR LF"))
    found, problems = _cells(content, path, delimiter)
    header = tuple(found[0][1]) if found else ()
    missing = [name for name in required if name not in header]
    if missing:
        what = f"columns {', '.join(missing)} are missing; found {', '.join(header) or 'none'}"
        problems.append(Problem(f"{path}:1", what))
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    problems += [Problem(f"{path}:1", f"column {name!r} occurs twice") for name in twice]
    problems += [
        Problem(place, f"has {len(row)} cells; the header has {len(header)}")
        for place, row in found[1:]
        if len(row) != len(header) and not missing  # with another header it is another file, and one problem
    ]
    if problems:
        raise ProblemsError(f"{path} cannot be read:", problems)
    rows = tuple(tuple(row) for _, row in found[1:])
    layout = _layout(content, header, rows, delimiter)
    return Rows(header, rows, tuple(place for place, _ in found[1:]), layout, tuple(oddities))


def write(columns: Sequence[str], rows: Iterable[Sequence[str]], layout: Mapping[str, Any]) -> str:
    """A table in the layout's style; without one, as pandas writes CSV."""
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream,
        delimiter=layout.get("delimiter", ","),
        lineterminator=layout.get("newline", "\n"),
        quoting=csv.QUOTE_ALL if layout.get("quote_all") else csv.QUOTE_MINIMAL,
    )
    writer.writerow(columns)
    writer.writerows(rows)
    written = stream.getvalue()
    return written if layout.get("end", True) else written.removesuffix(layout.get("newline", "\n"))


def _cells(content: str, path: Path, delimiter: str) -> tuple[list[tuple[str, list[str]]], list[Problem]]:
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[str, list[str]]] = []
    try:
        found.extend((f"{path}:{reader.line_num}", row) for row in reader if row)
    except csv.Error as error:
        return found, [Problem(f"{path}:{reader.line_num}", f"no valid table: {error}")]
    return found, []


def _layout(content: str, header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str) -> dict[str, Any]:
    newline = "\r\n" if "\r\n" in content else "\n"
    layout = {"delimiter": delimiter, "newline": newline, "end": content.endswith("\n"), "quote_all": False}
    everything = {**layout, "quote_all": True}
    return everything if write(header, rows, everything) == content else layout
