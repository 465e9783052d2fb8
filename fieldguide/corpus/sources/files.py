"""Files and folders: reading stays inside the source's folder, or follows links into a store that keeps its files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PIL import Image

from fieldguide.core.stores import is_own_link
from fieldguide.corpus.sources.candidates import Say, SourceImage, is_leftover, parent_label, text_of_name
from fieldguide.corpus.sources.parts import Part, listed_parts
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import MAX_BYTES, PixelVerdict, too_large


def read_confined(path: Path, folder: Path, root: Path) -> tuple[bytes, PixelVerdict | None]:
    """The bytes of a regular file inside `folder`; else no bytes and why.

    Links are followed inside the folder, and into the caches in which DVC and git-annex keep this repository's files.
    """
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(folder.resolve()) and not is_own_link(path, root):
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


def split_folder(source: ImageSource, folder: Path, root: Path, say: Say) -> Iterator[Part]:
    """Parts of a folder and the folders in it, in the order of names; leftovers of programs are refused."""
    return listed_parts(source, _listed(folder))


def read_folder(part: Part, root: Path) -> Iterator[SourceImage]:
    """Every file of a part."""
    folder = root / part.source.path
    for entry in part.listed:
        if isinstance(entry, SourceImage):
            yield entry
        else:
            key = text_of_name(entry)
            yield SourceImage(key, key, *read_confined(folder / entry, folder, root), parent_label(key))


def read_listed(part: Part, root: Path) -> Iterator[SourceImage]:
    """Every candidate that a part lists without its bytes; their names are relative to where the source lies."""
    folder = root / part.source.place
    for entry in part.listed:
        if entry.refusal is not None:
            yield entry
        else:
            data, refusal = read_confined(folder / entry.name, folder, root)
            yield replace(entry, data=data, refusal=refusal)


def _listed(folder: Path) -> Iterator[tuple[str, str | SourceImage]]:
    """The name of each file, and the name or the refusal of what is not read at all."""
    closed: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=closed.append):
        for name in sorted(filter(is_leftover, folders)):
            yield name, _leftover_folder(Path(parent) / name, folder)
        folders[:] = sorted(name for name in folders if not is_leftover(name))
        links = [name for name in folders if (Path(parent) / name).is_symlink()]  # not followed: refused
        within = os.path.relpath(parent, folder)
        for name in sorted([*files, *links]):
            path = name if within == os.curdir else f"{within}/{name}"
            if is_leftover(name):
                key = text_of_name(path)
                refusal = PixelVerdict("leftover", "a file that a program left there, or hidden")
                yield path, SourceImage(key, key, b"", refusal)
            else:
                yield path, path
    for error in closed:
        key = text_of_name(Path(error.filename).relative_to(folder).as_posix())
        yield key, SourceImage(f"{key}/", "", b"", PixelVerdict("unreadable", f"folder: {error.strerror}"))


def list_folder(folder: Path) -> Iterator[SourceImage]:
    """Every file of a folder that is named like an image, in the order of names, without its bytes."""
    images = Image.registered_extensions()
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_leftover(name))
        for name in sorted(files):
            if not is_leftover(name) and Path(name).suffix.lower() in images:
                key = text_of_name((Path(parent) / name).relative_to(folder).as_posix())
                yield SourceImage(key, key, b"", None, parent_label(key))


def _leftover_folder(path: Path, folder: Path) -> SourceImage:
    key = text_of_name(path.relative_to(folder).as_posix())
    count = sum(len(files) for _, _, files in os.walk(path))
    detail = f"a folder that a program left there, or hidden, with {count} files"
    return SourceImage(f"{key}/", "", b"", PixelVerdict("leftover", detail))
