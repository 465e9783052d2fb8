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
