"""A collection in a published form again, and how faithful that is."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open, sha256_file
from fieldguide.formats import reading, tables
from fieldguide.formats.collection import Collection
from fieldguide.formats.oddities import KINDS
from fieldguide.formats.text import text

Fidelity = Literal["byte for byte", "in content", "not whole"]


def export(folder: Path, form: str, target: Path) -> list[Path]:
    """Write an imported collection in a format; gives what was written.

    Args:
        folder: what `tables.write` wrote.
        form: a name of `reading.FORMATS`; its own gives the published files back, another one what it can hold.
        target: folder to write into, made if need be; files of the same name are replaced.

    Raises:
        FieldguideError: no import, no such format, or the format cannot hold the collection; says what it cannot.
    """
    written = reading.named(form).write(tables.read(folder))
    return write_texts(written, target)


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


def fidelity(collection: Collection, path: Path) -> Fidelity:
    """What an export of a collection that was read from `path` gives back, found by doing it."""
    form = reading.named(collection.format)
    texts = form.write(collection)
    originals = {name: path / name if path.is_dir() else path for name in texts}
    if all(file.exists() and text.whole(file) == texts[name] for name, file in originals.items()):
        return "byte for byte"
    if not all(KINDS[oddity.kind].lossless for oddity in collection.oddities):
        return "not whole"
    with tempfile.TemporaryDirectory() as scratch:
        written = write_texts(texts, Path(scratch))
        again = form.read(Path(scratch) if path.is_dir() else written[0])
    whole = again.questions == collection.questions and again.corpus == collection.corpus
    return "in content" if whole else "not whole"


def sources(collection: Collection, path: Path) -> dict[str, str]:
    """sha256 of each file that was read, by name; to know later what was imported."""
    if not path.is_dir():
        return {path.name: sha256_file(path)}
    files = {name: path / name for name in reading.named(collection.format).write(collection)}
    return {name: sha256_file(file) for name, file in sorted(files.items()) if file.is_file()}
