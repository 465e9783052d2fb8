"""Which images a published benchmark speaks of, where they are expected, and which of them are there."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open, csv_text, sha256_file
from fieldguide.formats import identity

Status = Literal["not looked for", "found", "missing", "refused"]
COLUMNS = ("image_id", "name", "path", "status", "sha256", "bytes")


@dataclass(frozen=True)
class ManifestEntry:
    """One image.

    Attributes:
        image_id: in the house's tables.
        name: as published, unchanged.
        path: where it is expected below the folder of images; empty for a name that would lead out of it.
        status: refused: the name is no path below the folder, or leads to something that is no plain file.
        sha256: of the file that was found.
        bytes: its size.
    """

    image_id: str
    name: str
    path: str
    status: Status = "not looked for"
    sha256: str = ""
    bytes: int | None = None


def expected_path(name: str) -> str:
    """The published name as a path below the folder of images; empty where it would lead out of it or nowhere."""
    parts = name.split("/")
    unsafe = any(part in {"", ".", ".."} for part in parts) or "\\" in name or not name.isprintable()
    return "" if unsafe or len(name.encode()) > 1024 else str(PurePosixPath(*parts))


def manifest(names: Iterable[str], folder: Path | None = None) -> list[ManifestEntry]:
    """An entry an image, in the order of the names; with a folder, each is looked for and hashed.

    Raises:
        FieldguideError: the folder is none.
    """
    if folder is not None and not folder.is_dir():
        raise FieldguideError(f"{folder}: no such folder; --images names the folder that the images lie in")
    root = folder.resolve() if folder is not None else None
    ids = identity.image_ids(names)
    return [_entry(name, image_id, root) for name, image_id in ids.items()]


def _entry(name: str, image_id: str, root: Path | None) -> ManifestEntry:
    path = expected_path(name)
    if not path:
        return ManifestEntry(image_id, name, path, "refused")
    if root is None:
        return ManifestEntry(image_id, name, path)
    file = root / path
    if not file.exists():
        return ManifestEntry(image_id, name, path, "missing")
    # A link inside the folder may lead out of it: what lies there is none of the benchmark's business.
    if not file.is_file() or not file.resolve().is_relative_to(root):
        return ManifestEntry(image_id, name, path, "refused")
    return ManifestEntry(image_id, name, path, "found", sha256_file(file), file.stat().st_size)


def write(path: Path, entries: Sequence[ManifestEntry]) -> None:
    """Write manifest.csv, atomically."""
    with atomic_open(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for entry in entries:
            size = "" if entry.bytes is None else entry.bytes
            writer.writerow((entry.image_id, entry.name, entry.path, entry.status, entry.sha256, size))


def read(path: Path) -> list[ManifestEntry]:
    """Read manifest.csv.

    Raises:
        FieldguideError: no such file, or a row that is none of a manifest; names the line.
    """
    if not path.exists():
        raise FieldguideError(f"{path}: no such file; `fieldguide import` makes it")
    rows = csv.reader(csv_text(path), strict=True)
    try:
        if tuple(next(rows, ())) != COLUMNS:
            raise FieldguideError(f"{path}:1: expected the columns {', '.join(COLUMNS)}")
        return [_parsed(row, f"{path}:{rows.line_num}") for row in rows]
    except csv.Error as error:
        raise FieldguideError(f"{path}: not a CSV table after line {rows.line_num} ({error})") from None


def names(entries: Iterable[ManifestEntry]) -> dict[str, str]:
    """Published name by image_id."""
    return {entry.image_id: entry.name for entry in entries}


def advice(entries: Sequence[ManifestEntry], roots: Mapping[str, str], folder: Path | None) -> list[str]:
    """Which images are here, and what to do about the others, in plain lines."""
    counts = Counter(entry.status for entry in entries)
    source = " and ".join(roots.values()) or "its publisher's page"
    lines = []
    if counts["not looked for"]:
        first = next(entry.path for entry in entries if entry.status == "not looked for")
        lines.append(f"{counts['not looked for']:,} images are named; the files hold none. They are from {source}.")
        lines.append(f"Place them below one folder, the first as FOLDER/{first}, and run again with --images FOLDER.")
    if counts["found"]:
        different = len({entry.sha256 for entry in entries if entry.status == "found"})
        lines.append(f"{counts['found']:,} images found below {folder}, {different:,} of them different.")
    if counts["missing"]:
        first = next(entry.path for entry in entries if entry.status == "missing")
        lines.append(f"{counts['missing']:,} images are missing below {folder}, the first {first}; from {source}.")
    if counts["refused"]:
        first = next(entry.name for entry in entries if entry.status == "refused")
        lines.append(f"{counts['refused']:,} names are not looked for: no path below a folder, the first {first!r}.")
    return lines


def _parsed(row: list[str], where: str) -> ManifestEntry:
    if len(row) != len(COLUMNS):
        raise FieldguideError(f"{where}: has {len(row)} columns; expected {', '.join(COLUMNS)}")
    image_id, name, path, status, digest, size = row
    if status not in get_args(Status) or not (size == "" or size.isdecimal()):
        raise FieldguideError(f"{where}: status {status!r} or size {size!r} is none of a manifest")
    return ManifestEntry(image_id, name, path, status, digest, int(size) if size else None)  # type: ignore[arg-type]
