"""Tables that people keep knowledge in: CSV however a spreadsheet writes it, and the spreadsheet itself."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import csv_delimiter, csv_text

# In this order: which of them there is, is read.
SUFFIXES = (".csv", ".xlsx")
_LARGEST_SHEET = 256 * 2**20  # bytes, unpacked

Row = tuple[str, dict[str, str]]


def table_rows(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Row]:
    """(place, filled cells by column) of each row of a .csv (separated by `,`, `;` or tabs) or .xlsx (its first sheet).

    Cells lose blanks around them; empty cells and empty rows are left out. Case does not matter in names of columns.

    Raises:
        FieldguideError: it cannot be read as such a table.
        ProblemsError: columns that are missing, unknown or there twice; rows that are too long. All of them.
    """
    every = _sheet_rows(path) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    rows = ((place, cells) for place, cells in every if any(cells))
    place, written = next(rows, (f"{path}:1", []))
    while written and not written[-1]:  # a spreadsheet's trailing commas
        written.pop()
    known = {name.casefold(): name for name in (*required, *optional)}
    header = [known.get(name.casefold(), name) for name in written]
    problems = list(_header_problems(place, header, required, optional))
    found = []
    for place, cells in rows:
        if any(cells[len(header) :]):
            problems.append(Problem(place, f"has {len(cells)} cells, and the header {len(header)}"))
        filled = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
        if filled:
            found.append((place, filled))
    if problems:
        raise ProblemsError(f"{path}: not the table that is expected:", problems)
    yield from found


def _header_problems(
    place: str, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> Iterator[Problem]:
    known = [*required, *optional]
    for name in [name for name in required if name not in header]:
        yield Problem(place, f"column `{name}` is missing; found {', '.join(header) or 'nothing'}")
    for name in dict.fromkeys(header):
        if name not in known:
            yield Problem(place, f"column {name!r} is unknown; allowed: {', '.join(known)}")
        elif header.count(name) > 1:
            yield Problem(place, f"column `{name}` is there {header.count(name)} times")


def _csv_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    stream = csv_text(path)
    reader = csv.reader(stream, strict=True, delimiter=csv_delimiter(stream))
    try:
        for cells in reader:
            yield f"{path}:{reader.line_num}", [cell.strip() for cell in cells]
    except csv.Error as error:
        what = f"is no CSV ({error}); look for a quotation mark that is not closed, from there upwards"
        raise FieldguideError(f"{path}:{reader.line_num}: {what}") from None


def _sheet_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    import openpyxl

    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > _LARGEST_SHEET:
                raise FieldguideError(f"{path}: holds more than {_LARGEST_SHEET >> 20} MiB; save it as CSV")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its own size may be old, and rows beyond it would be lost
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield f"{path}:{number}", [_cell(value, f"{path}:{number}") for value in cells]
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, TypeError, EOFError, SyntaxError) as error:
        raise FieldguideError(f"{path}: not an Excel workbook that can be read ({error}); save it as CSV") from None


def _cell(value: Any, place: str) -> str:
    """A cell as it is shown: whole numbers without a fraction."""
    if value is None:
        return ""
    if isinstance(value, (date, time)):
        raise FieldguideError(f"{place}: {value} is a date; format the cell as text, and write what it should say")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
