"""A source as somebody has it, folder, archive or table, as a stream of candidates with their bytes."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fieldguide.core.errors import FieldguideError
from fieldguide.core.stores import repository_of
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.sources.patterns import is_tar
from fieldguide.corpus.sources.reading import read_source
from fieldguide.corpus.sources.section import OF_TARS, ImageSource
from fieldguide.corpus.store.pixels import MAX_BYTES
from fieldguide.publishing.release.sources.archives import read_zip, take_out
from fieldguide.publishing.release.sources.manifest import ReleasedSource

_ONE_FILE = ("parquet", *OF_TARS)
"""Kinds of sources that are one file, or many tars; of the others the photographs lie side by side."""


def read_place(path: Path, name: str, source: ReleasedSource, scratch: Path, limit: int) -> Iterator[SourceImage]:
    """Every candidate of the source `name` in what lies at `path`. What it is, its bytes say, not its name.

    Args:
        path: the source itself, an archive that it lies in, or a folder.
        scratch: a folder for a file that has to be taken out of an archive.
        limit: bytes that are read at most, however much an archive may blow up.

    Raises:
        FieldguideError: it is none of these, damaged, or larger than `limit`.
        ProblemsError: a table's columns or lines do not fit.
    """
    return _within(limit, path, _candidates(path, name, source, scratch, limit))


def _candidates(path: Path, name: str, source: ReleasedSource, scratch: Path, limit: int) -> Iterator[SourceImage]:
    member = source.access.member if source.access else None
    if path.is_dir():
        return _in_folder(path, name, source, member)
    if not path.is_file():
        raise FieldguideError(f"{path}: {'is neither file nor folder' if path.exists() else 'no such file or folder'}")
    if _starts(path, b"PAR1"):
        kind = "manifest" if source.kind == "manifest" else "parquet"
        return _read(kind, path, name, source, path.parent)
    archive = "zip" if zipfile.is_zipfile(path) else "tar" if _is_tar(path) else None
    if archive is None and source.kind == "manifest":
        return _read("manifest", path, name, source, path.parent)
    if archive is None:
        raise FieldguideError(f"{path}: is no folder, zip, tar or Parquet table, as source {name!r} may be")
    if source.kind in _ONE_FILE and member is not None:
        taken = scratch / "member"
        take_out(path, member, taken, limit)
        return _read(str(source.kind), taken, name, source, scratch)
    inside = read_zip(path) if archive == "zip" else _read("tar", path, name, source, path.parent)
    return _below(f"{PurePosixPath(member)}/" if member else "", inside)


def _in_folder(path: Path, name: str, source: ReleasedSource, member: str | None) -> Iterator[SourceImage]:
    """A folder: the source's own, or one that its file lies in under its name or under `member`."""
    if source.kind in (*_ONE_FILE, "manifest"):
        for inside in (member, source.file):
            if inside and (path / inside).is_file():
                return _read(str(source.kind), path / inside, name, source, path)
    if member and (path / member).is_dir():
        path = path / member
    in_tars = source.kind in OF_TARS and any(is_tar(inside.name) for inside in path.rglob("*"))
    return _read(str(source.kind) if in_tars else "folder", path, name, source, repository_of(path))


def _read(kind: str, path: Path, name: str, source: ReleasedSource, root: Path) -> Iterator[SourceImage]:
    described = {"name": name, "kind": kind, "path": path.absolute(), "columns": source.columns}
    return read_source(ImageSource.model_validate(described), root)


def _below(prefix: str, candidates: Iterator[SourceImage]) -> Iterator[SourceImage]:
    """Those whose names begin with `prefix`, by what follows it."""
    for candidate in candidates:
        key = candidate.key.removeprefix("./")
        if key.startswith(prefix):
            yield replace(candidate, key=key.removeprefix(prefix))


def _within(limit: int, path: Path, candidates: Iterator[SourceImage]) -> Iterator[SourceImage]:
    read = 0
    for candidate in candidates:
        oversized = candidate.refusal is not None and candidate.refusal.reason == "oversized"
        read += MAX_BYTES if oversized else len(candidate.data)
        if read > limit:
            raise FieldguideError(f"{path}: holds more than {limit:,} bytes; --max-gb allows more")
        yield candidate


def _starts(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


def _is_tar(path: Path) -> bool:
    try:
        return tarfile.is_tarfile(path)
    except (OSError, EOFError, ValueError):
        return False
