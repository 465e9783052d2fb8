"""Tables of images: Parquet that holds the bytes, and manifests (CSV or Parquet) that name files beside them."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import byte_lines, canonical_json, csv_delimiter
from fieldguide.corpus.sources.candidates import Say, SourceImage
from fieldguide.corpus.sources.cells import OTHER_SPELLINGS, RowCells
from fieldguide.corpus.sources.files import read_confined
from fieldguide.corpus.sources.parts import Part, listed_parts
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import PixelVerdict

_BATCH = 64  # rows of a table in memory at a time
_SHOWN = 12
_PARQUET = {".parquet", ".pq"}
_PART_ROWS = 1024
_READ = 1 << 20
_LONGEST_LINE = 1 << 20  # bytes; a row of a table of files has some hundred


def _plain(name: str) -> str:
    """A column's name without what does not matter: blanks at the ends, capitals, American spelling."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    return OTHER_SPELLINGS.get(plain, plain)


def _columns(source: ImageSource, path: Path, names: list[str], needed: str, say: Say) -> dict[str, str]:
    """Role -> column: the one params.yaml names, else the one called as the role, exactly or nearly.

    Raises:
        ProblemsError: a named column is missing, one that is needed is, two of one name or for one role.
    """
    roles = list(type(source.columns).model_fields)
    given = {role: name for role, name in source.columns.model_dump().items() if name is not None}
    exact = {role: role for role in roles if role in names} | given
    near = {
        role: [name for name in names if _plain(name) == role and name not in exact.values()]
        for role in roles
        if role not in exact
    }
    where = f"ingest.sources: {source.name}.columns"
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    problems = [Problem(f"{path}", f"has {names.count(name)} columns {name!r}; rename all but one") for name in twice]
    problems += [
        Problem(f"{where}.{role}", f"{path} has no column {name!r}")
        for role, name in given.items()
        if name not in names
    ]
    problems += [
        Problem(f"{where}.{role}", f"may be {' or '.join(map(repr, found))}: name one")
        for role, found in near.items()
        if len(found) > 1
    ]
    columns = exact | {role: found[0] for role, found in near.items() if len(found) == 1}
    if needed not in columns:
        problems.append(Problem(f"{where}.{needed}", "is needed: name the column (or call it so in the table)"))
    if problems:
        raise ProblemsError(f"source {source.name!r} cannot be read; {path} has columns {', '.join(names)}:", problems)
    _tell(source, names, columns, exact, say)
    return columns


def _tell(source: ImageSource, names: list[str], columns: dict[str, str], exact: dict[str, str], say: Say) -> None:
    for role in sorted(columns.keys() - exact.keys()):
        say(f"source {source.name}: column {columns[role]!r} is taken as `{role}`")
    unused = [name for name in names if name not in columns.values()]
    if unused:
        more = f" and {len(unused) - _SHOWN} more" if len(unused) > _SHOWN else ""
        say(f"source {source.name}: columns not used: {', '.join(map(repr, unused[:_SHOWN]))}{more}")


def _parquet_rows(
    source: ImageSource, path: Path, needed: str, say: Say, *, without: str | None = None, part: Part | None = None
) -> Iterator[RowCells]:
    """Rows, less the column of the role `without`; of the row groups of a part, or of all."""
    with _parquet(source, path) as file:
        columns = _parquet_columns(source, path, file, needed, say)
        columns = {role: column for role, column in columns.items() if role != without}
        groups = None if part is None else range(part.start, part.stop or 0)
        number = 0 if part is None else part.first
        for batch in file.iter_batches(_BATCH, row_groups=groups, columns=sorted(set(columns.values()))):
            for row in batch.to_pylist():
                yield RowCells(number, {role: row[c] for role, c in columns.items()})
                number += 1


@contextlib.contextmanager
def _parquet(source: ImageSource, path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowInvalid, OSError) as error:
        raise FieldguideError(f"{path}: source {source.name!r}: not Parquet, or damaged ({error})") from None


def _parquet_columns(source: ImageSource, path: Path, file: Any, needed: str, say: Say) -> dict[str, str]:
    schema = file.schema_arrow
    columns = _columns(source, path, schema.names, needed, say)
    if needed == "bytes":
        _require_bytes(source, path, schema.field(columns["bytes"]).type)
    return columns


def _require_bytes(source: ImageSource, path: Path, found: Any) -> None:
    from pyarrow import types

    inner = found.field("bytes").type if types.is_struct(found) and found.get_field_index("bytes") >= 0 else found
    if not (types.is_binary(inner) or types.is_large_binary(inner) or types.is_binary_view(inner)):
        raise FieldguideError(
            f"{path}: source {source.name!r}: column {source.columns.bytes or 'bytes'!r} is {found}; "
            "expected binary, or a struct with a binary field `bytes`"
        )


def split_parquet(source: ImageSource, path: Path, root: Path, say: Say) -> Iterator[Part]:
    """Parts of a table that holds the bytes: row groups, of small ones several."""
    with _parquet(source, path) as file:
        _parquet_columns(source, path, file, "bytes", say)
        start = first = rows = 0
        for group in range(file.num_row_groups):
            rows += file.metadata.row_group(group).num_rows
            if rows >= _PART_ROWS or group == file.num_row_groups - 1:
                yield Part(source, first, start, group + 1)
                start, first, rows = group + 1, first + rows, 0


def read_parquet(part: Part, root: Path) -> Iterator[SourceImage]:
    """Every row of a part."""
    for row in _parquet_rows(part.source, root / part.source.path, "bytes", _unheard, part=part):
        value, name = row.cells["bytes"], row.text("path") or ""
        if isinstance(value, dict):  # the image type of the `datasets` library: {bytes, path}
            value, name = value["bytes"], name or value.get("path") or ""
        yield row.candidate(None, name, value or b"")


def parquet_key(part: Part, root: Path) -> str:
    """The sha256 of a part's row groups as they lie in the file, and of what names their columns and rows."""
    path = root / part.source.path
    with _parquet(part.source, path) as file:
        columns = _parquet_columns(part.source, path, file, "bytes", _unheard)
        digest = hashlib.sha256(canonical_json([columns, str(file.schema_arrow), part.first]).encode())
        for group in range(part.start, part.stop or 0):
            described = file.metadata.row_group(group)
            chunks = [described.column(n) for n in range(described.num_columns)]
            starts = [min(c.data_page_offset, c.dictionary_page_offset or c.data_page_offset) for c in chunks]
            stop = max(at + c.total_compressed_size for at, c in zip(starts, chunks, strict=True))
            with path.open("rb") as stream:
                stream.seek(min(starts))
                for left in range(stop - min(starts), 0, -_READ):
                    digest.update(stream.read(min(left, _READ)))
    return digest.hexdigest()


def _csv_rows(source: ImageSource, path: Path, say: Say) -> Iterator[RowCells]:
    problems = []
    _require_utf8(source, path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream, strict=True, delimiter=_delimiter(source, stream, say))
            names = list(table.fieldnames or [])
            columns = _columns(source, path, names, "path", say)
            for number, row in enumerate(table):
                if None in row or None in row.values():
                    problems.append(
                        Problem(f"{path}:{table.line_num}", f"does not have the {len(names)} cells of the header")
                    )
                else:
                    yield RowCells(number, {role: row[name] for role, name in columns.items()})
    except csv.Error as error:
        raise FieldguideError(f"{path}: source {source.name!r}: not a CSV table ({error})") from None
    if problems:
        raise ProblemsError(f"source {source.name!r} cannot be read:", problems)


def _require_utf8(source: ImageSource, path: Path) -> None:
    for number, line in byte_lines(path, _LONGEST_LINE):
        if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise FieldguideError(f"{path}: source {source.name!r}: is UTF-16; save it as CSV in UTF-8")
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FieldguideError(
                f"{path}:{number}: source {source.name!r}: byte {error.start + 1} of the line, "
                f"{line[error.start]:#04x}, is no UTF-8; save the table in UTF-8 (it may be Latin-1)"
            ) from None


def _delimiter(source: ImageSource, stream: io.TextIOBase, say: Say) -> str:
    found = csv_delimiter(stream)
    if found != ",":
        say(f"source {source.name}: its columns are separated by {found!r}")
    return found


def split_manifest(source: ImageSource, path: Path, root: Path, say: Say) -> Iterator[Part]:
    """Parts of a table that names files: some of its rows each."""
    is_parquet = path.suffix.lower() in _PARQUET
    rows = _parquet_rows(source, path, "path", say) if is_parquet else _csv_rows(source, path, say)
    return listed_parts(source, ((row.text("path") or "", row) for row in rows))


def read_manifest(part: Part, root: Path) -> Iterator[SourceImage]:
    """Every row of a part, with the file that it names, relative to the table's own folder."""
    folder = (root / part.source.path).parent
    for row in part.listed:
        name = row.text("path")
        if name is None:
            yield row.candidate(None, "", b"", PixelVerdict("unreadable", "the manifest gives no path"))
        else:
            data, refusal = read_confined(folder / name, folder, root)
            yield row.candidate(name, name, data, refusal and _with_remedy(name, refusal))


def list_table(source: ImageSource, path: Path) -> Iterator[SourceImage]:
    """Every row of a table with its labels, and without its photograph.

    Raises:
        FieldguideError, ProblemsError: as when it is read.
    """
    needed = "bytes" if source.kind == "parquet" else "path"
    is_parquet = source.kind == "parquet" or path.suffix.lower() in _PARQUET
    rows = (
        _parquet_rows(source, path, needed, _unheard, without="bytes")
        if is_parquet
        else _csv_rows(source, path, _unheard)
    )
    for row in rows:
        yield row.candidate(row.text("path"), row.text("path") or "", b"")


def _unheard(_: str) -> None:
    """What is told of a source is told when it is read."""


def _with_remedy(name: str, refusal: PixelVerdict) -> PixelVerdict:
    if re.match(r"[a-z][a-z0-9+.-]+://", name, re.IGNORECASE):
        return PixelVerdict(refusal.reason, "is an address; photographs are read from files, so download it first")
    if "\\" in name and refusal.detail == "no such file":
        return PixelVerdict(refusal.reason, "no such file; folders are separated by / here, not by \\")
    return refusal
