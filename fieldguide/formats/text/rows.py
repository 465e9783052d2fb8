"""Tables of text with a header (CSV, TSV): read whole, with the line of each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.formats.deviations import Deviation
from fieldguide.formats.text import text


@dataclass(frozen=True)
class Rows:
    """A table of text: columns, rows, the place of each row, and what was noticed."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    places: tuple[str, ...]
    deviations: tuple[Deviation, ...]

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
    content, deviations = text.without_mark(text.whole(path), path)
    if "\r\n" in content:
        deviations.append(Deviation(str(path), "windows-line-ends", "lines end in CR LF"))
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
    return Rows(header, rows, tuple(place for place, _ in found[1:]), tuple(deviations))


def write(columns: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """A table as pandas writes CSV."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def _cells(content: str, path: Path, delimiter: str) -> tuple[list[tuple[str, list[str]]], list[Problem]]:
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[str, list[str]]] = []
    try:
        found.extend((f"{path}:{reader.line_num}", row) for row in reader if row)
    except csv.Error as error:
        return found, [Problem(f"{path}:{reader.line_num}", f"no valid table: {error}")]
    return found, []
