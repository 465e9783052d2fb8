"""Readers: a source of params.yaml as a stream of candidates, whatever kind it is.

A candidate that could not be read carries its refusal; nothing is passed over in silence. Names out of archives
and tables are never used to write, and reading stays inside the source's folder.
"""

from __future__ import annotations

import csv
import lzma
import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.corpus.ingest.section import ImageSource
from fieldguide.corpus.store.pixels import MAX_BYTES, PixelVerdict, too_large

_BATCH = 64  # rows of a table in memory at a time


@dataclass(frozen=True)
class SourceImage:
    """One file, member or row of a source, before it is inspected.

    `key` names it inside its source, `name` is the file name that its extension is read from ("" if it has
    none), `entity` and `split` are the source's own labels. `refusal` is set where `data` could not be had.
    """

    key: str
    name: str
    data: bytes
    refusal: PixelVerdict | None = None
    entity: str | None = None
    split: str | None = None
    licence: str | None = None
    attribution: str | None = None


def read_source(source: ImageSource, root: Path) -> Iterator[SourceImage]:
    """Every candidate of a source; paths are relative to `root`.

    Raises:
        FieldguideError: the source is not of its kind, or an archive is damaged.
        ProblemsError: columns that are missing, lines that do not fit.
    """
    return _READERS[source.kind](source, root / source.path)


def missing_sources(sources: list[ImageSource], root: Path) -> Iterator[Problem]:
    """Sources whose path does not exist or is a file where a folder is meant, or the reverse."""
    for index, source in enumerate(sources):
        path = root / source.path
        where, wanted = f"params.yaml: ingest.sources.{index}.path", "folder" if source.kind == "folder" else "file"
        if not path.exists():
            yield Problem(where, f"{path}: no such {wanted}; `make data` places the example's input")
        elif path.is_dir() != (wanted == "folder"):
            yield Problem(where, f"{path}: source {source.name!r} of kind `{source.kind}` needs a {wanted}")


def _text(name: str) -> str:
    """A file name as valid UTF-8: bytes that are none are spelled out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _parent_label(key: str) -> str | None:
    return PurePosixPath(key).parent.name or None


def _read_confined(path: Path, folder: Path) -> tuple[bytes, PixelVerdict | None]:
    """The bytes of a regular file inside `folder`, links followed; else no bytes and why."""
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(folder.resolve()):
            return b"", PixelVerdict("unreadable", f"lies outside {folder.name}/, the source's folder")
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            return b"", PixelVerdict("unreadable", "is not a regular file")
        if status.st_size > MAX_BYTES:
            return b"", too_large(status.st_size)
        return real.read_bytes(), None
    except FileNotFoundError:
        return b"", PixelVerdict("unreadable", "no such file")
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a loop of links; ValueError: a null byte
        return b"", PixelVerdict("unreadable", getattr(error, "strerror", None) or str(error))


def _read_folder(source: ImageSource, folder: Path) -> Iterator[SourceImage]:
    closed: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=closed.append):
        folders.sort()
        links = [name for name in folders if (Path(parent) / name).is_symlink()]  # not followed: refused below
        for name in sorted([*files, *links]):
            path = Path(parent) / name
            key = _text(path.relative_to(folder).as_posix())
            yield SourceImage(key, key, *_read_confined(path, folder), _parent_label(key))
    for error in closed:
        key = _text(Path(error.filename).relative_to(folder).as_posix())
        yield SourceImage(f"{key}/", "", b"", PixelVerdict("unreadable", f"folder: {error.strerror}"))


def _read_tar(source: ImageSource, path: Path) -> Iterator[SourceImage]:
    count = 0
    try:
        with tarfile.open(path, "r|*") as tar:
            for member in tar:
                count += 1
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps a record of every member read
                if not member.isdir():
                    key = _text(member.name)
                    yield SourceImage(key, key, *_read_tar_member(tar, member), _parent_label(key))
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise FieldguideError(
            f"{path}: source {source.name!r}: not a tar, or damaged after member {count} ({error}); pack it again"
        ) from None


def _read_tar_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[bytes, PixelVerdict | None]:
    pure = PurePosixPath(member.name)
    if pure.is_absolute() or ".." in pure.parts:
        return b"", PixelVerdict("unreadable", "its name leads out of the archive")
    if not member.isreg():
        kind = "link" if member.issym() or member.islnk() else "device or pipe"
        return b"", PixelVerdict("unreadable", f"is a {kind}; only regular members are read")
    if member.size > MAX_BYTES:
        return b"", too_large(member.size)
    stream = tar.extractfile(member)
    return (stream.read() if stream else b""), None


class _Cells(NamedTuple):
    """One row of a table: its number from 0, and its cells by role (SourceColumns)."""

    number: int
    cells: dict[str, Any]

    def text(self, role: str) -> str | None:
        """A cell as text; None if it is null, empty or has no column."""
        value = self.cells.get(role)
        return None if value is None or value == "" else str(value)

    def candidate(self, key: str | None, name: str, data: bytes, refusal: PixelVerdict | None = None) -> SourceImage:
        """The row as a candidate; its key is the key column's, else `key`, else the row's number."""
        key = self.text("key") or key or f"{self.number:08d}"
        entity, split = self.text("entity"), self.text("split")
        return SourceImage(key, name, data, refusal, entity, split, self.text("licence"), self.text("attribution"))


def _columns(source: ImageSource, path: Path, names: list[str], needed: str) -> dict[str, str]:
    """Role -> column: the one params.yaml names, else the one called as the role, if there is one."""
    given = {role: name for role, name in source.columns.model_dump().items() if name is not None}
    problems = [
        Problem(f"ingest.sources: {source.name}.columns.{role}", f"{path} has no column {name!r}")
        for role, name in given.items()
        if name not in names
    ]
    columns = {role: role for role in type(source.columns).model_fields if role in names} | given
    if needed not in columns:
        problems.append(Problem(f"ingest.sources: {source.name}.columns.{needed}", "is needed: name the column"))
    if problems:
        raise ProblemsError(f"source {source.name!r} cannot be read; {path} has columns {', '.join(names)}:", problems)
    return columns


def _parquet_rows(source: ImageSource, path: Path, needed: str) -> Iterator[_Cells]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            columns = _columns(source, path, schema.names, needed)
            if needed == "bytes":
                _require_bytes(source, path, schema.field(columns["bytes"]).type)
            number = 0
            for batch in file.iter_batches(_BATCH, columns=sorted(set(columns.values()))):
                for row in batch.to_pylist():
                    yield _Cells(number, {role: row[c] for role, c in columns.items()})
                    number += 1
    except (pa.ArrowInvalid, OSError) as error:
        raise FieldguideError(f"{path}: source {source.name!r}: not Parquet, or damaged ({error})") from None


def _require_bytes(source: ImageSource, path: Path, found: Any) -> None:
    from pyarrow import types

    inner = found.field("bytes").type if types.is_struct(found) and found.get_field_index("bytes") >= 0 else found
    if not (types.is_binary(inner) or types.is_large_binary(inner) or types.is_binary_view(inner)):
        raise FieldguideError(
            f"{path}: source {source.name!r}: column {source.columns.bytes or 'bytes'!r} is {found}; "
            "expected binary, or a struct with a binary field `bytes`"
        )


def _read_parquet(source: ImageSource, path: Path) -> Iterator[SourceImage]:
    for row in _parquet_rows(source, path, "bytes"):
        value, name = row.cells["bytes"], row.text("path") or ""
        if isinstance(value, dict):  # the image type of the `datasets` library: {bytes, path}
            value, name = value["bytes"], name or value.get("path") or ""
        yield row.candidate(None, name, value or b"")


def _csv_rows(source: ImageSource, path: Path) -> Iterator[_Cells]:
    problems = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream, strict=True)
            names = list(table.fieldnames or [])
            columns = _columns(source, path, names, "path")
            for number, row in enumerate(table):
                if None in row or None in row.values():
                    problems.append(
                        Problem(f"{path}:{table.line_num}", f"does not have the {len(names)} cells of the header")
                    )
                else:
                    yield _Cells(number, {role: row[name] for role, name in columns.items()})
    except (csv.Error, UnicodeDecodeError) as error:
        raise FieldguideError(f"{path}: source {source.name!r}: not a UTF-8 CSV table ({error})") from None
    if problems:
        raise ProblemsError(f"source {source.name!r} cannot be read:", problems)


def _read_manifest(source: ImageSource, path: Path) -> Iterator[SourceImage]:
    is_parquet = path.suffix.lower() in {".parquet", ".pq"}
    rows = _parquet_rows(source, path, "path") if is_parquet else _csv_rows(source, path)
    for row in rows:
        name = row.text("path")
        if name is None:
            yield row.candidate(None, "", b"", PixelVerdict("unreadable", "the manifest gives no path"))
        else:
            yield row.candidate(name, name, *_read_confined(path.parent / name, path.parent))


_READERS: dict[str, Callable[[ImageSource, Path], Iterator[SourceImage]]] = {
    "folder": _read_folder,
    "tar": _read_tar,
    "parquet": _read_parquet,
    "manifest": _read_manifest,
}
