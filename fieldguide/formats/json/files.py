"""Files of records: one JSON object a line, or one list of objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import CrowdedError
from fieldguide.formats.deviations import Deviation
from fieldguide.formats.json import parsing
from fieldguide.formats.json.layouts import JsonLayout
from fieldguide.formats.json.records import Record, as_record
from fieldguide.formats.text import text


def read_records(path: Path, layout: JsonLayout) -> tuple[list[Record], list[Deviation]]:
    """The records of a file, and what was noticed about the file as a whole.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: what is no JSON, and every record that is no object.
    """
    content, about = text.without_mark(text.whole(path), path)
    records, problems = [], []
    if layout.lines and "\r\n" in content:
        count = content.count("\r\n")
        about.append(Deviation(str(path), "windows-line-ends", f"{count} lines end in CR LF"))
    for where, found in _lines(content, path) if layout.lines else _items(content, path):
        try:
            records.append(as_record(parsing.parse(found) if layout.lines else found, where, layout))
        except ValueError as error:
            problems.append(Problem(where, str(error)))
    if problems:
        raise ProblemsError(f"{path} cannot be read:", problems)
    return records, about


def _lines(content: str, path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(content.split("\n"), 1):
        if line.strip():
            yield f"{path}:{number}", line.removesuffix("\r")


def _items(content: str, path: Path) -> Iterator[tuple[str, Any]]:
    try:
        value = parsing.parse(content)
        if not isinstance(value, list):
            raise ValueError(f"expected a list of objects, found {parsing.brief(value)}")
    except ValueError as error:
        raise ProblemsError(f"{path} cannot be read:", [Problem(str(path), str(error))]) from None
    for number, item in enumerate(value, 1):
        yield f"{path} item {number}", item


def first_record(path: Path) -> Any:
    """The first record of JSON lines, or the JSON list or object of a file, to tell formats apart; None: there is none.

    Raises:
        FieldguideError: no such file, no text, or JSON of too many objects to be read at once.
    """
    for _, line in text.lines(path):
        bare = line.lstrip("\ufeff").strip()
        if not bare:
            continue
        try:
            if bare.startswith("["):
                value = parsing.parse(text.without_mark(text.whole(path), path)[0])
                return value if isinstance(value, list) else None
            return parsing.parse(text.without_mark(text.whole(path), path)[0] if bare == "{" else bare)
        except CrowdedError as error:
            raise FieldguideError(f"{path}: {error}") from None
        except ValueError:
            return None
    return None
