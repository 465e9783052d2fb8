"""TREC's text tables as columns: read in blocks, so that memory holds the columns and never the text.

pyarrow parses the blocks. Where it refuses one, or might take it in another way than trec_eval does, the block is
gone through line by line by the rules of `_by_line`: they alone say what is right and what is wrong with a line.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import open_input

BLOCK = 16 << 20
"""Bytes of text that are looked at together; no line may be longer."""

MOST = 1000
"""So many problems of one file are named; then reading stops."""

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_BLANKS = bytes.maketrans(b"\t\r\x0b\x0c", b"    ")
_TEXT = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Layout:
    """A kind of file.

    Attributes:
        kind: what it is called.
        columns: in order; `texts` and `number` are kept.
        whole: the number is a whole one.
        trailing: text after the last column is passed over, as trec_eval does with runs.
    """

    kind: str
    columns: tuple[str, ...]
    texts: tuple[str, ...]
    number: str
    whole: bool
    trailing: bool = False

    @property
    def types(self) -> dict[str, pa.DataType]:
        """Types of the kept columns. Whole numbers stay text: pyarrow would take 0x1F for one."""
        return {**dict.fromkeys(self.texts, _TEXT), self.number: _TEXT if self.whole else pa.float64()}


@dataclass
class Columns:
    """A file's lines as columns, in the file's order.

    Attributes:
        texts: by column, categories sorted by their bytes (which is the order of their code points).
        number: float64 or int64; 0 where a problem says that there is none.
        problems: of single lines.
    """

    path: Path
    texts: dict[str, pd.Categorical]
    number: npt.NDArray[Any]
    problems: list[Problem]
    _first_rows: list[int] = field(default_factory=list)
    _lines: list[Sequence[int]] = field(default_factory=list)

    def place(self, row: int) -> str:
        """`file:line` of a row."""
        block = bisect_right(self._first_rows, row) - 1
        return f"{self.path}:{self._lines[block][row - self._first_rows[block]]}"


def read_columns(path: Path, layout: Layout) -> Columns:
    """Read a text table: gzipped or not, LF or CRLF, with or without a byte-order mark, any ASCII white space between.

    Lines that begin with `#` are comments, as in trec_eval's own files.

    Raises:
        FieldguideError: no such file, no file, damaged gzip, UTF-16, a line longer than `BLOCK`.
        ProblemsError: `MOST` lines are wrong already; with fewer they are in `Columns.problems`.
    """
    tables: list[pa.Table] = []
    read = Columns(path, {}, np.empty(0), [])
    rows = 0
    for first, block in _blocks(path):
        even = _single_blanks(block)
        table = _by_arrow(even, layout)
        if table is None:
            table, lines, problems = _by_line(path, first, block, layout)
            read.problems += problems
        else:
            lines = _lines(even, first, len(table))
        if len(read.problems) >= MOST:
            raise ProblemsError(f"{path} is no {layout.kind}; its first {MOST:,} problems:", read.problems[:MOST])
        tables.append(table)
        read._first_rows.append(rows)
        read._lines.append(lines)
        rows += len(table)
    whole = pa.concat_tables(tables) if tables else _table([], layout)
    tables.clear()
    whole = whole.unify_dictionaries().combine_chunks()
    read.texts = {name: _categorical(whole.column(name)) for name in layout.texts}
    read.number = _numbers(read, whole.column(layout.number), layout)
    return read


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number of the first line, whole lines, each with its line feed)."""
    number = 1
    with _opened(path) as stream:
        while block := stream.read(BLOCK):
            block += stream.readline(BLOCK)
            if number == 1:
                block = block.removeprefix(_BOM)
            if not block.endswith(b"\n"):
                if len(block) >= 2 * BLOCK:
                    line = number + block.count(b"\n")
                    raise FieldguideError(f"{path}:{line}: the line is longer than {BLOCK:,} bytes")
                block += b"\n"
            yield number, block
            number += block.count(b"\n")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[io.BufferedIOBase]:
    """The file's bytes, unpacked. Pipes will do."""
    try:
        with open_input(path) as stream:
            head = stream.peek(2)[:2]
            if head in _WIDE:
                raise FieldguideError(f"{path}: is UTF-16 text; expected UTF-8 (`iconv -f UTF-16 -t UTF-8`)")
            if head != b"\x1f\x8b":
                yield stream
                return
            try:
                with gzip.open(stream) as unpacked:
                    yield unpacked
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                raise FieldguideError(f"{path}: damaged gzip file ({error})") from None
    except OSError as error:
        raise FieldguideError(f"{path}: cannot be read ({error.strerror})") from None


def _single_blanks(block: bytes) -> bytes:
    """The same lines with one blank between two fields and none around them."""
    if any(blank in block for blank in (b"\t", b"\r", b"\x0b", b"\x0c")):
        block = block.translate(_BLANKS)
    while b"  " in block:
        block = block.replace(b"  ", b" ")
    return block.replace(b" \n", b"\n").replace(b"\n ", b"\n").removeprefix(b" ")


def _lines(even: bytes, first: int, rows: int) -> Sequence[int]:
    """Line numbers of a block's rows; `even` is as `_single_blanks` gives it."""
    ends = even.count(b"\n")
    if rows == ends:
        return range(first, first + rows)
    filled = np.diff(np.flatnonzero(np.frombuffer(even, dtype=np.uint8) == ord("\n")), prepend=-1) > 1
    numbers: Sequence[int] = (first + np.flatnonzero(filled)).tolist()
    return numbers


def _by_arrow(even: bytes, layout: Layout) -> pa.Table | None:
    """The block as pyarrow reads it; None where it has something to look at line by line."""
    if even.startswith((_BOM, b"#")) or b"\n#" in even:  # a mark is part of an id here, and pyarrow would take it away
        return None
    try:
        if not even.isascii():
            even.decode("utf-8")
        table = pacsv.read_csv(
            io.BytesIO(even),
            read_options=pacsv.ReadOptions(column_names=list(layout.columns), block_size=1 << 20),
            parse_options=pacsv.ParseOptions(delimiter=" ", quote_char=False, double_quote=False, escape_char=False),
            convert_options=pacsv.ConvertOptions(
                column_types=layout.types,
                include_columns=list(layout.types),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    if not layout.whole and not np.isfinite(table.column(layout.number).to_numpy()).all():
        return None  # pyarrow takes nan(1) for a number
    return table


def _by_line(path: Path, first: int, block: bytes, layout: Layout) -> tuple[pa.Table, Sequence[int], list[Problem]]:
    """The rows of a block with their line numbers, and what is wrong with its other lines."""
    rows: list[list[Any]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    width, names = len(layout.columns), " ".join(layout.columns)
    for number, raw in enumerate(block.split(b"\n"), first):
        if len(problems) >= MOST:
            break
        # ASCII white space alone separates, as in trec_eval: an id may hold a no-break space.
        fields = raw.split()
        if not fields or raw.lstrip().startswith(b"#"):
            continue
        place = f"{path}:{number}"
        try:
            row: list[Any] = [part.decode("utf-8") for part in fields]
        except UnicodeDecodeError:
            problems.append(Problem(place, "is not UTF-8 text"))
            continue
        if layout.trailing:
            row = row[:width]
        if len(row) != width:
            problems.append(Problem(place, f"has {len(row)} columns; expected {width}: {names}"))
            continue
        value = dict(zip(layout.columns, row, strict=True))
        if not layout.whole:
            value[layout.number], problem = _number(value[layout.number], float, layout.number, place)
            problems += problem
        rows.append([value[name] for name in layout.types])
        lines.append(number)
    return _table(rows, layout), lines, problems


def _number(text: str, kind: type, name: str, place: str) -> tuple[Any, list[Problem]]:
    """A text as a number; one that is none becomes 0 and a problem, so that the other checks can go on."""
    try:
        if "_" in text:  # Python reads 1_0 as 10, nobody else does
            raise ValueError
        return kind(text), []
    except ValueError:
        allowed = "a whole number" if kind is int else "a finite number"
        return kind(), [Problem(place, f"{name} is {text!r}; expected {allowed}")]


def _table(rows: list[list[Any]], layout: Layout) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(layout.types)
    arrays = [
        pa.array(column, type=pa.string()).dictionary_encode() if kind == _TEXT else pa.array(column, type=kind)
        for column, kind in zip(columns, layout.types.values(), strict=True)
    ]
    return pa.table(arrays, names=list(layout.types))


def _one(column: pa.ChunkedArray) -> Any:
    """A column of at most one chunk as an array."""
    return column.chunk(0) if column.num_chunks else pa.array([], type=column.type)


def _categorical(column: pa.ChunkedArray) -> pd.Categorical:
    """A dictionary column of one chunk with its categories sorted."""
    array = _one(column)
    order = pc.sort_indices(array.dictionary).to_numpy()
    new = np.empty(len(order), dtype=np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    codes = new[array.indices.to_numpy()]
    categories = pd.Index(array.dictionary.take(pa.array(order)).to_numpy(zero_copy_only=False), dtype="str")
    return pd.Categorical.from_codes(codes, categories)


def _numbers(read: Columns, column: pa.ChunkedArray, layout: Layout) -> npt.NDArray[Any]:
    """The number column; texts that are no whole number become problems of `read`."""
    array = _one(column)
    if not layout.whole:
        return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)
    codes = array.indices.to_numpy()
    values = np.zeros(len(array.dictionary), dtype=np.int64)
    for code, text in enumerate(array.dictionary.to_pylist()):
        values[code], wrong = _whole(text, layout.number)
        if wrong:
            rows = np.flatnonzero(codes == code)[:MOST].tolist()
            read.problems += [Problem(read.place(row), wrong) for row in rows]
    return np.asarray(values[codes])


def _whole(text: str, name: str) -> tuple[int, str]:
    value, problems = _number(text, int, name, "")
    if problems or not -(2**63) <= value < 2**63:
        return 0, f"{name} is {text!r}; expected a whole number"
    return int(value), ""
