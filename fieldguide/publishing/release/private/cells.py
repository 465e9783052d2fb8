"""The files of a release taken apart into cells that stand together: a row, a line, an object, a member of a tar."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import byte_lines, open_input, read_json
from fieldguide.corpus.sources.archives import DAMAGED_TAR
from fieldguide.corpus.store.pixels import MAX_BYTES
from fieldguide.publishing.release.private.marks import Marks
from fieldguide.publishing.release.publish.leaks.pictures import picture_texts

_LINES = (".trec", ".tsv", ".csv", ".run")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_PACKED = (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tgz", ".npz", ".pkl", ".sqlite", ".db")
_CHUNK = 20_000
"""Lines or rows that are looked through at once: what they have in common is looked up once."""
_AROUND = 3
"""Lines of prose that stand together."""
_MEMBER = 1 << 20
"""Bytes of a member of a tar that is read as text."""


class Cell(NamedTuple):
    """A value as text, and the key that it stands under; the empty one where it has none, or is a key itself."""

    key: str
    value: str


class Together(NamedTuple):
    """Cells that stand together. `prose`: they are a few lines of running text."""

    where: str
    cells: tuple[Cell, ...]
    prose: bool = False


def together(path: Path, name: str, marks: Marks) -> Iterator[Together]:
    """What stands together in a file, where it names anything that is private; the file's own name is in all of it.

    Args:
        path: to read.
        name: what the file is called in the release.
        marks: rows and lines without any of them are passed over.

    Raises:
        FieldguideError: it cannot be read, or is of no kind that can be looked through.
    """
    suffix = path.suffix.lower()
    if suffix in _PACKED:
        raise FieldguideError(f"{path}: is packed, and cannot be looked through; a release holds plain files")
    own = Cell("", name)
    try:
        yield Together(name, (own,))
        for found in _found(path, suffix, name, marks):
            yield found._replace(cells=(own, *found.cells))
    except (pa.ArrowException, *DAMAGED_TAR, TokenError) as error:
        words = str(error).partition("\n")[0]
        raise FieldguideError(f"{path}: cannot be looked through ({words})") from None


def _found(path: Path, suffix: str, name: str, marks: Marks) -> Iterator[Together]:
    readers: dict[str, Callable[[], Iterator[Together]]] = {
        ".parquet": lambda: _rows(path, name, marks),
        ".tar": lambda: _members(path, name),
        ".json": lambda: nodes(read_json(path), name),
        ".jsonl": lambda: _objects(path, name, marks),
        ".npy": lambda: _numbers(path),
        **dict.fromkeys(_LINES, lambda: _lines(path, name, marks)),
        **dict.fromkeys(_PICTURES, lambda: _described(path.read_bytes(), name)),
    }
    return readers.get(suffix, lambda: _prose(byte_lines(path), name))()


def _numbers(path: Path) -> Iterator[Together]:
    """Nothing: numbers name nothing. Vectors of the gallery are of what anybody can encode."""
    if np.load(path, mmap_mode="r", allow_pickle=False).dtype.kind not in "fiub":
        raise FieldguideError(f"{path}: is an array of something other than numbers, and cannot be looked through")
    yield from ()


def _described(data: bytes, where: str) -> Iterator[Together]:
    """What a picture says of itself: EXIF, comments."""
    said = tuple(Cell("", text) for text, _ in picture_texts(data) if text)
    if said:
        yield Together(f"{where} metadata", said)


def nodes(document: Any, where: str) -> Iterator[Together]:
    """Every object and list of a JSON document with what is plain in it, and in the objects that it lies in.

    A key that leads to an object is a cell beside what is in the object, not beside what its neighbours lead to.
    """
    waiting: list[tuple[str, tuple[Cell, ...], Any]] = [("", (), document)]
    while waiting:
        key, around, value = waiting.pop()
        pairs = [(str(k), v) for k, v in value.items()] if isinstance(value, dict) else [(key, v) for v in _list(value)]
        plain: list[Cell] = []
        nested: list[tuple[str, Any]] = []
        for name, item in pairs:
            if isinstance(item, dict) or any(isinstance(one, dict | list) for one in _list(item)):
                nested.append((name, item))
                continue
            plain += [Cell(name, _plain(one)) for one in (item if isinstance(item, list) else [item])]
            if isinstance(value, dict):
                plain.append(Cell("", name))
        if plain:
            yield Together(where, (*around, *plain))
        for name, item in nested:
            waiting.append((name, (*around, *plain, *([Cell("", name)] if isinstance(value, dict) else [])), item))


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _objects(path: Path, name: str, marks: Marks) -> Iterator[Together]:
    """Lines of JSON; one that is none is prose."""
    for chunk in _chunks(byte_lines(path)):
        texts = {number: _text(path, number, raw) for number, raw in chunk}
        for number, text in texts.items():
            try:
                value = json.loads(text) if text.strip() else {}
            except (ValueError, RecursionError):
                yield Together(f"{name}:{number}", (Cell("", text),), prose=True)
                continue
            for found in nodes(value, f"{name}:{number}"):
                if _named(found.cells, marks):
                    yield found


def _chunks(lines: Iterable[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    rest = iter(lines)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _named(cells: Sequence[Cell], marks: Marks) -> bool:
    return any(marks.of(cell.value) for cell in cells)


def _lines(path: Path, name: str, marks: Marks) -> Iterator[Together]:
    """Lines of columns. Chunks that name nothing are most of a run."""
    keys: list[str] = []  # of tables that begin with the names of their columns
    for chunk in _chunks(byte_lines(path)):
        texts = [_text(path, number, raw).rstrip("\r\n") for number, raw in chunk]
        if chunk[0][0] == 1 and path.suffix.lower() != ".trec":
            keys = _fields(texts[0])
        if not marks.may_name(set(" ".join(texts).replace("\t", " ").split(" "))):
            continue
        for (number, _), text in zip(chunk, texts, strict=True):
            if marks.subjects(text):
                fields = _fields(text)
                named = keys if len(keys) == len(fields) else [""] * len(fields)
                yield Together(f"{name}:{number}", (Cell("", text), *map(Cell, named, fields)))


def _fields(text: str) -> list[str]:
    parts = text.split("\t") if "\t" in text else text.split("," if "," in text else None)
    return [part.strip().strip('"') for part in parts]


def _prose(lines: Iterator[tuple[int, bytes]], name: str) -> Iterator[Together]:
    """Running text, a few lines at a time: a sentence may go over the end of a line."""
    before: list[str] = []
    for number, raw in lines:
        before = [*before[1 - _AROUND :], _text(Path(name), number, raw).rstrip("\r\n")]
        yield Together(f"{name}:{number}", tuple(Cell("", line) for line in before), prose=True)


def _text(path: Path, number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise FieldguideError(f"{path}:{number}: is no text in UTF-8, and cannot be looked through") from None


def _rows(path: Path, name: str, marks: Marks) -> Iterator[Together]:
    """Rows of Parquet that name a subject, and what stands beside the table: names of columns, words about them."""
    with pq.ParquetFile(path) as file:
        said: Mapping[bytes, bytes] = file.schema_arrow.metadata or {}
        fields = [f"{k!r} {v!r}" for field in file.schema_arrow for k, v in (field.metadata or {}).items()]
        yield Together(
            f"{name} metadata",
            tuple(Cell("", text) for text in (*(f"{k!r} {v!r}" for k, v in said.items()), *fields)),
            prose=True,
        )
        yield Together(f"{name} columns", tuple(Cell("", column) for column in _columns(file.schema_arrow)))
        start = 0
        for batch in file.iter_batches(_CHUNK):
            for row in np.flatnonzero(_subjects(batch, marks)).tolist():
                values = {key: value for key, value in batch.slice(row, 1).to_pylist()[0].items() if _readable(value)}
                yield from nodes(values, f"{name} row {start + row}")
            start += batch.num_rows


def _columns(fields: Iterable[pa.Field]) -> Iterator[str]:
    for field in fields:
        yield field.name
        if pa.types.is_struct(field.type):
            yield from _columns(field.type)


def _readable(value: Any) -> bool:
    return not isinstance(value, bytes)


def _subjects(batch: pa.RecordBatch, marks: Marks) -> npt.NDArray[np.bool_]:
    """Which rows name a subject in any column; each different text is looked at once."""
    found = np.zeros(batch.num_rows, dtype=bool)
    for column in batch.columns:
        flat, rows = column, np.arange(batch.num_rows)
        while pa.types.is_list(flat.type) or pa.types.is_large_list(flat.type):
            rows = rows[pc.list_parent_indices(flat).to_numpy()]
            flat = flat.flatten()
        if pa.types.is_dictionary(flat.type):
            flat = flat.dictionary_decode()
        if pa.types.is_nested(flat.type):  # a struct: its rows are looked at one by one
            found[:] = True
        elif pa.types.is_string(flat.type) or pa.types.is_large_string(flat.type):
            encoded = flat.dictionary_encode()
            wanted = [place for place, text in enumerate(encoded.dictionary.to_pylist()) if marks.subjects(text)]
            if wanted:
                found[rows[np.isin(pc.fill_null(encoded.indices, -1).to_numpy(), wanted)]] = True
    return found


def _members(path: Path, name: str) -> Iterator[Together]:
    """Names of a tar's members, and the words of those that are no pictures. Nothing is unpacked."""
    with open_input(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            where, own = f"{name}: {member.name}", Cell("", member.name)
            said = (member.linkname, member.uname, member.gname, *map(str, member.pax_headers.values()))
            yield Together(where, (own, *(Cell("", text) for text in said if text)))
            stream = tar.extractfile(member) if member.isreg() else None
            if stream is not None and PurePosixPath(member.name).suffix.lower() in _PICTURES:
                for described in _described(stream.read(MAX_BYTES), where):
                    yield described._replace(cells=(own, *described.cells))
            if stream is None or PurePosixPath(member.name).suffix.lower() in _PICTURES:
                continue
            data = stream.read(_MEMBER + 1)
            if len(data) > _MEMBER:
                raise FieldguideError(f"{where}: is longer than {_MEMBER:,} bytes, and cannot be looked through")
            lines = enumerate(data.splitlines(), 1)
            for found in _prose(iter(lines), where):
                yield found._replace(cells=(own, *found.cells))
            yield from _parsed(data, where, own)


def _parsed(data: bytes, where: str, own: Cell) -> Iterator[Together]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    for found in nodes(document, where):
        yield found._replace(cells=(own, *found.cells))
