"""Files of records: one JSON object a line, or one list of objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.formats.collection import Oddity
from fieldguide.formats.json import hostile_json
from fieldguide.formats.json import layout as json_layout
from fieldguide.formats.json.labelled import Keys, Record, as_record
from fieldguide.formats.text import text


@dataclass(frozen=True)
class Records:
    """The records of a file, how it was written, and what was noticed about the file as a whole."""

    records: tuple[Record, ...]
    layout: Mapping[str, Any]
    about: tuple[Oddity, ...]

    def oddities(self) -> tuple[Oddity, ...]:
        """Of the file, then of its records in order; complete once every record was made a question."""
        return self.about + tuple(oddity for record in self.records for oddity in record.noticed)


def read_lines(path: Path, keys: Keys) -> Records:
    """Read JSON lines; blank ones are skipped.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: every line that is no JSON object.
    """
    content, about = text.without_mark(text.whole(path), path)
    if "\r\n" in content:
        about.append(Oddity(str(path), "windows-line-ends", f"{content.count(chr(13) + chr(10))} lines end in CR LF"))
    records, texts, problems = [], [], []
    for number, line in enumerate(content.split("\n"), 1):
        bare = line.removesuffix("\r")
        if not bare.strip():
            continue
        where = f"{path}:{number}"
        try:
            value = hostile_json.parse(bare)
            records.append(as_record(value, where, keys))
        except ValueError as error:
            problems.append(Problem(where, str(error)))
        else:
            texts.append((bare, value))
    _refuse(path, problems)
    return Records(tuple(records), json_layout.lines_layout(content, texts), tuple(about))


def read_list(path: Path, keys: Keys) -> Records:
    """Read one JSON list of objects.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: no JSON, no list, or every item that is no object.
    """
    content, about = text.without_mark(text.whole(path), path)
    try:
        value = hostile_json.parse(content)
        if not isinstance(value, list):
            raise ValueError(f"expected a list of objects, found {hostile_json.brief(value)}")
    except ValueError as error:
        raise ProblemsError(f"{path} cannot be read:", [Problem(str(path), str(error))]) from None
    records, problems = [], []
    for number, item in enumerate(value, 1):
        try:
            records.append(as_record(item, f"{path} item {number}", keys))
        except ValueError as error:
            problems.append(Problem(f"{path} item {number}", str(error)))
    _refuse(path, problems)
    return Records(tuple(records), json_layout.document_layout(content, value), tuple(about))


def first_record(path: Path) -> Any:
    """The first record of JSON lines or of a JSON list, to tell formats apart; None where there is none.

    Raises:
        FieldguideError: no such file, no text.
    """
    for _, line in text.lines(path):
        bare = line.lstrip("\ufeff").strip()
        if not bare:
            continue
        try:
            if bare.startswith("["):
                value = hostile_json.parse(text.without_mark(text.whole(path), path)[0])
                return value if isinstance(value, list) else None
            return hostile_json.parse(bare)
        except ValueError:
            return None
    return None


def _refuse(path: Path, problems: list[Problem]) -> None:
    if problems:
        raise ProblemsError(f"{path} cannot be read:", problems)
