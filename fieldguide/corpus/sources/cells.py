"""Cells: what a source says of one photograph, by the role that it has here."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.store.pixels import PixelVerdict

OTHER_SPELLINGS = {"license": "licence"}
# How tables say that a cell has no value.
_NO_VALUE = {"", "na", "n/a", "nan", "none", "null", "<na>"}
_LABELS = ("entity", "split", "licence", "attribution")


class RowCells(NamedTuple):
    """One row of a table: its number from 0, and its cells by role (SourceColumns)."""

    number: int
    cells: dict[str, Any]

    def text(self, role: str) -> str | None:
        """A cell as text; None if it is null, empty or has no column. Of labels, blanks at the ends and `NA` go too."""
        value = self.cells.get(role)
        if value is None or value == "":
            return None
        text = _whole_number(value)
        if role not in _LABELS:
            return text
        text = text.strip()
        return None if text.lower() in _NO_VALUE else text

    def candidate(self, key: str | None, name: str, data: bytes, refusal: PixelVerdict | None = None) -> SourceImage:
        """The row as a candidate; its key is the key column's, else `key`, else the row's number."""
        key = self.text("key") or key or f"{self.number:08d}"
        entity, split = self.text("entity"), self.text("split")
        return SourceImage(key, name, data, refusal, entity, split, self.text("licence"), self.text("attribution"))


def _whole_number(value: Any) -> str:
    """A cell's text; `3.0` is 3: tables with an empty cell make floats of whole numbers."""
    text = str(value)
    return text.partition(".")[0] if re.fullmatch(r"-?\d+\.0+", text) else text


class UnusableError(Exception):
    """Why what a source says of a photograph cannot be used: it is refused for `reason`, with these words."""

    def __init__(self, what: str, reason: str = "unreadable") -> None:
        super().__init__(what)
        self.reason = reason


def plain_value(what: str, value: Any) -> str | int | float | None:
    """A value out of JSON that can be a label. JSON can spell halves of characters, which no file of ours could hold.

    Raises:
        UnusableError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise UnusableError(f"{what} is a {type(value).__name__}; expected text or a number")
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise UnusableError(f"{what} is no Unicode text")
    return value


_CREATIVE_COMMONS = re.compile(
    r"https?://creativecommons\.org/(?:licenses/(by(?:-nc)?(?:-sa|-nd)?)|publicdomain/(zero))/(\d\.\d)/?(?:deed\.\w+|legalcode)?"
)
_NO_LICENCE = {"all rights reserved", "c", "copyright", "no license", "no licence", "unknown"}


def licence_of(name: str | None, address: str | None = None) -> str | None:
    """A licence as its SPDX identifier where the address is one of Creative Commons, else as it is called.

    None where nothing is licensed: what is stated here is released.
    """
    found = _CREATIVE_COMMONS.fullmatch((address or "").strip().lower())
    if found:
        kind, zero, version = found.groups()
        return f"CC0-{version}" if zero else f"CC-{kind.upper()}-{version}"
    return None if not name or name.strip().lower() in _NO_LICENCE | _NO_VALUE else name.strip()
