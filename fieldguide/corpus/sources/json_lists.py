"""JSON of millions of items: an object of lists, read an item at a time. A list is never held as a whole."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import open_input

_CHUNK = 1 << 20
_LONGEST = 1 << 22
"""Characters of one item, such as an annotation with its outlines."""
_BLANKS = re.compile(r"[ \t\r\n]*")
# Takes NaN, as files of iNaturalist's competitions have it for a place that is not known.
_DECODER = json.JSONDecoder()


def json_lists(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield (key of a list, item of it), in the order of the file; of other keys the value as the only item.

    Raises:
        FieldguideError: no JSON object, or one item of millions of characters; names the place.
    """
    with open_input(path) as stream:
        window = _Window(io.TextIOWrapper(stream, "utf-8-sig"))
        try:
            yield from window.lists()
        except RecursionError:
            raise FieldguideError(f"{path}: {window.where}: nested too deeply") from None
        except UnicodeDecodeError as error:
            raise FieldguideError(f"{path}: {window.where}: is no UTF-8 ({error.reason}); save it as UTF-8") from None
        except ValueError as error:  # a JSONDecodeError counts lines of the window
            words = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise FieldguideError(f"{path}: {window.where}: not valid JSON ({words})") from None


class _Window:
    """As much of the text as is looked at."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self.where = "at its beginning"
        self._stream, self._text, self._at, self._ended = stream, "", 0, False

    def lists(self) -> Iterator[tuple[str, Any]]:
        self._take("{")
        while self._next() != "}":
            key = self._value()
            if not isinstance(key, str):
                raise ValueError("expected the name of a list")
            self._take(":")
            for number, value in enumerate(self._items(), 1):
                yield key, value
                self.where = f"{key}: after item {number:,}"
            if self._next() != "}":
                self._take(",")
        self._take("}")
        if self._next():
            raise ValueError("more follows its end")

    def _items(self) -> Iterator[Any]:
        if self._next() != "[":
            yield self._value()
            return
        self._take("[")
        while self._next() != "]":
            yield self._value()
            if self._next() != "]":
                self._take(",")
        self._take("]")

    def _next(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            found = _BLANKS.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._fill()

    def _take(self, wanted: str) -> None:
        found = self._next()
        if found != wanted:
            raise ValueError(f"expected {wanted} and found {found or 'its end'}")
        self._at += 1

    def _value(self) -> Any:
        """The next value. One that ends where the window does may go on, and is read again with more of the text."""
        self._next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            except ValueError:
                if self._ended or len(self._text) - self._at > _LONGEST:
                    raise
            self._fill()

    def _fill(self) -> None:
        more = self._stream.read(_CHUNK)
        self._text, self._at, self._ended = self._text[self._at :] + more, 0, not more
