"""A collection in a published form again, and whether that holds everything."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open, sha256_file
from fieldguide.formats import reading, tables
from fieldguide.formats.collection import PublishedBenchmark
from fieldguide.formats.deviations import KINDS


def export(folder: Path, form: str, target: Path) -> list[Path]:
    """Write an imported collection in a format; gives what was written.

    Args:
        folder: what `tables.write` wrote.
        form: a name of `reading.FORMATS`; its own gives every label and field back, another one what it can hold.
        target: folder to write into, made if need be; files of the same name are replaced.

    Raises:
        FieldguideError: no import, no such format, or the format cannot hold the collection; says what it cannot.
    """
    write = reading.named(form).write
    if write is None:
        raise FieldguideError(f"{form} is read and not written; `--format beir` or `--format csv` holds what is judged")
    return write_texts(write(tables.read(folder)), target)


def write_texts(texts: Mapping[str, str], target: Path) -> list[Path]:
    """Write texts by file name below a folder, each atomically.

    Raises:
        FieldguideError: a name leads out of the folder.
    """
    root = target.resolve()
    for name in texts:
        if not (root / name).resolve().is_relative_to(root) or "\x00" in name:
            raise FieldguideError(f"{name!r} would be written outside of {target}; the import names its files oddly")
    for name, content in texts.items():
        with atomic_open(target / name, "wb") as stream:
            stream.write(content.encode())
    return [target / name for name in texts]


def is_whole(collection: PublishedBenchmark, path: Path) -> bool:
    """Whether an export of what was read from `path` gives every label and field back, found by doing it."""
    if not all(KINDS[deviation.kind].lossless for deviation in collection.deviations):
        return False
    form = reading.named(collection.format)
    if form.write is None:
        return False
    try:
        texts = form.write(collection)
    except FieldguideError:  # a label that the format cannot hold: what was read is no whole of it
        return False
    with tempfile.TemporaryDirectory() as scratch:
        written = write_texts(texts, Path(scratch))
        again = form.read(written[0] if len(written) == 1 else Path(scratch))
    return again.questions == collection.questions and again.corpus == collection.corpus


def sources(collection: PublishedBenchmark, path: Path) -> dict[str, str]:
    """sha256 of each file that was read, by name; to know later what was imported."""
    return {name: sha256_file(path / name if path.is_dir() else path) for name in sorted(collection.files)}
