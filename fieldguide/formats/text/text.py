"""Text of files that others wrote: gzipped or not, with or without a byte-order mark, of any size, never trusted."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import open_input
from fieldguide.formats.deviations import Deviation

LONGEST_FILE = 160_000_000
"""Characters of a file that is read whole: as many numbers and commas in one JSON list take 1.1 GiB."""
LONGEST_LINE = LONGEST_FILE
"""Characters of one line: some files of megabytes are one."""
LONGEST_HEAD = 1 << 16
"""Characters of a first line that may name columns."""
_BOM = "\ufeff"


def first_line(path: Path) -> str:
    """The first line without a byte-order mark, or its first LONGEST_HEAD characters; to tell formats apart.

    Raises:
        FieldguideError: as `lines`.
    """
    return next(_lines(path, LONGEST_HEAD, cut=True), (0, ""))[1].removeprefix(_BOM)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line with its end). A byte-order mark is part of the first line.

    Only LF ends a line, so that text which holds other separators stays whole.

    Raises:
        FieldguideError: no such file, damaged gzip, no UTF-8 (names the line), a line longer than LONGEST_LINE.
    """
    yield from _lines(path, LONGEST_LINE)


def _lines(path: Path, longest: int, cut: bool = False) -> Iterator[tuple[int, str]]:
    number = 0
    with _open(path) as stream:
        while True:
            try:
                line = stream.readline(longest)
            except UnicodeDecodeError as error:
                raise FieldguideError(f"{path}: not UTF-8 text after line {number} ({error.reason})") from None
            except (OSError, EOFError, zlib.error) as error:
                raise FieldguideError(f"{path}: cannot be read to its end, damaged? ({error})") from None
            if not line:
                return
            number += 1
            if len(line) >= longest and not cut:
                raise FieldguideError(f"{path}:{number}: this line is longer than {longest:,} characters")
            yield number, line


def head(path: Path) -> str:
    """The first LONGEST_HEAD characters without a byte-order mark; to tell formats apart.

    Raises:
        FieldguideError: as `lines`.
    """
    return _read(path, LONGEST_HEAD).removeprefix(_BOM)


def whole(path: Path) -> str:
    """The whole text, line ends and byte-order mark included.

    Raises:
        FieldguideError: as `lines`, and a file longer than LONGEST_FILE characters.
    """
    text = _read(path, LONGEST_FILE + 1)
    if len(text) > LONGEST_FILE:
        raise FieldguideError(f"{path}: longer than {LONGEST_FILE:,} characters; that is no file of this format")
    return text


def _read(path: Path, longest: int) -> str:
    try:
        with _open(path) as stream:
            return stream.read(longest)
    except UnicodeDecodeError as error:
        raise FieldguideError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except (OSError, EOFError, zlib.error) as error:
        raise FieldguideError(f"{path}: cannot be read to its end, damaged? ({error})") from None


def without_mark(text: str, path: Path) -> tuple[str, list[Deviation]]:
    """Text less a leading byte-order mark, and that it had one."""
    if not text.startswith(_BOM):
        return text, []
    return text[1:], [Deviation(f"{path}:1", "byte-order-mark", "the file begins with a byte-order mark (U+FEFF)")]


def _open(path: Path) -> IO[str]:
    stream = open_input(path)
    binary = gzip.open(stream) if stream.peek(2)[:2] == b"\x1f\x8b" else stream  # noqa: SIM115 - closed by the wrapper
    return io.TextIOWrapper(cast(IO[bytes], binary), encoding="utf-8", newline="\n")
