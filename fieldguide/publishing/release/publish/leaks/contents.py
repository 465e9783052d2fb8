"""Every text that a file holds: lines, cells, names of members, what photographs say. Nothing is unpacked."""

from __future__ import annotations

import codecs
import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fieldguide.core.files import open_input
from fieldguide.corpus.sources.archives import DAMAGED_TAR
from fieldguide.publishing.release.publish.leaks.pictures import is_picture, picture_texts

_BLOCK, _OVERLAP = 1 << 22, 1 << 12
_LARGEST = 1 << 27
"""Bytes of a member of an archive that is held at once."""
_NO_TEXT = "is neither UTF-8 text, Parquet, tar nor an image, and cannot be looked into"
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrtbf])|([/\"\\]))")


class TextPiece(NamedTuple):
    """Text of a file.

    Attributes:
        where: behind the file's name: `row 7, column attribution`; empty for lines.
        line: number of the first line, from 1; 0 where there are no lines.
        text: empty where `wrong`.
        wrong: what is there and cannot be looked into, or is no text; empty for text.
    """

    where: str
    line: int
    text: str
    wrong: str = ""

    def place(self, start: int) -> str:
        """Where in the file the text at `start` stands."""
        number = f"line {self.line + self.text.count(chr(10), 0, start)}" if self.line else ""
        return ", ".join(filter(None, (self.where, number)))


def texts(path: Path, name: str) -> Iterator[TextPiece]:
    """All texts of a file; what cannot be looked into is a piece that says so."""
    try:
        if name.endswith(".parquet"):
            yield from _parquet(path)
        elif name.endswith(".tar"):
            yield from _tar(path)
        elif name.endswith(".npy"):
            yield from _array(path)
        else:
            with open_input(path) as stream:
                yield from _bytes(stream, name)
    except (pa.ArrowException, *DAMAGED_TAR, TokenError) as error:
        yield TextPiece("", 0, "", f"cannot be looked into: {error}")


def _array(path: Path) -> Iterator[TextPiece]:
    """Numbers, in which no text is; an array of anything else cannot be looked into."""
    found = np.load(path, mmap_mode="r", allow_pickle=False)
    if found.dtype.kind not in "fiub":
        yield TextPiece("", 0, "", f"is an array of {found.dtype}, not of numbers, and cannot be looked into")


def _bytes(stream: BinaryIO, name: str, where: str = "") -> Iterator[TextPiece]:
    """A picture's words about itself, or the lines of a text."""
    beginning = stream.read(16)
    stream.seek(0)
    if is_picture(beginning):
        data = stream.read(_LARGEST + 1)
        yield from (TextPiece(where, 0, text, wrong) for text, wrong in picture_texts(data))
    else:
        yield from _lines(stream, where, is_json=name.endswith((".json", ".jsonl")))


def _lines(stream: BinaryIO, where: str, is_json: bool) -> Iterator[TextPiece]:
    """Text in blocks of whole lines; a line longer than a block is cut, with an overlap."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    line, rest, is_text, tail = 1, "", True, b""
    while data := stream.read(_BLOCK):
        decoded = decoder.decode(data)
        if is_text and ("\0" in decoded or decoded.count("\ufffd") > (tail + data).count(b"\xef\xbf\xbd")):
            is_text = False
            yield TextPiece(where, 0, "", _NO_TEXT)
        tail = data[-2:]
        block = rest + decoded
        cut = block.rfind("\n") + 1
        if not cut and len(data) < _BLOCK:  # the end of the file
            rest = block
            continue
        whole, rest = (block[:cut], block[cut:]) if cut else (block, block[-_OVERLAP:])
        yield TextPiece(where, line, _unescaped(whole) if is_json else whole)
        line += whole.count("\n")
    end = decoder.decode(b"", final=True)
    if is_text and end:  # a letter that was cut off
        yield TextPiece(where, 0, "", _NO_TEXT)
    yield TextPiece(where, line, _unescaped(rest) if is_json else rest)


def _unescaped(text: str) -> str:
    """What JSON's escapes stand for; a line end becomes a blank, so that lines can be counted."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else " " if m[2] else m[3], text)


def _tar(path: Path) -> Iterator[TextPiece]:
    with open_input(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            told = [member.name, member.linkname, member.uname, member.gname, *map(str, member.pax_headers.values())]
            yield TextPiece("name of a member", 0, "\n".join(told))
            where = f"member {member.name}"
            stream = tar.extractfile(member) if member.isreg() else None
            if member.size > _LARGEST:
                yield TextPiece(where, 0, "", f"is larger than {_LARGEST:,} bytes and was not looked into")
            elif stream is not None:
                yield from _bytes(io.BytesIO(stream.read()), member.name, where)


def _parquet(path: Path) -> Iterator[TextPiece]:
    with pq.ParquetFile(path) as file:
        for key, value in sorted((file.metadata.metadata or {}).items()):
            if key != b"ARROW:schema":  # binary; its texts are the schema's
                yield TextPiece("metadata", 0, value.decode(errors="replace"))
        schema = file.schema_arrow.to_string(show_schema_metadata=False, truncate_metadata=False)
        yield TextPiece("names of columns and what is said of them", 0, schema)
        row = 1
        for batch in file.iter_batches(1 << 16):
            for column, values in zip(batch.schema.names, batch.columns, strict=True):
                rows = pa.array(range(row, row + len(values)), pa.int64())
                yield from _cells(column, values, rows)
            row += batch.num_rows


def _cells(column: str, values: Any, rows: Any) -> Iterator[TextPiece]:
    """Texts of an array of any depth. `rows`: of each value the number of its row."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        yield from _cells(column, values.dictionary_decode(), rows)
    elif pa.types.is_struct(kind):
        for number, field in enumerate(kind):
            yield from _cells(f"{column}.{field.name}", pc.struct_field(values, [number]), rows)
    elif pa.types.is_map(kind):
        parents = pc.take(rows, pc.list_parent_indices(pa.ListArray.from_arrays(values.offsets, values.keys)))
        yield from _cells(f"{column}.key", values.keys, parents)
        yield from _cells(f"{column}.value", values.items, parents)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _cells(column, pc.list_flatten(values), pc.take(rows, pc.list_parent_indices(values)))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield from _strings(column, values, rows)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        for data, number in zip(values.to_pylist(), rows.to_pylist(), strict=True):
            if data:
                yield from _bytes(io.BytesIO(data), "", f"row {number}, column {column}")


def _strings(column: str, values: Any, rows: Any) -> Iterator[TextPiece]:
    """Each text once, with the first row that holds it."""
    first: dict[str, int] = {}
    for value, number in zip(values.to_pylist(), rows.to_pylist(), strict=True):
        if value:
            first.setdefault(value, number)
    for value, number in first.items():
        yield TextPiece(f"row {number}, column {column}", 0, value)
