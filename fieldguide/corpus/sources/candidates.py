"""What a source gives: one file, member or row, before it is inspected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fieldguide.corpus.store.pixels import PixelVerdict

# Told what a curator should know of a source, a sentence each.
Say = Callable[[str], None]


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


def text_of_name(name: str) -> str:
    """A file name as valid UTF-8: bytes that are none are spelled out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def parent_label(key: str) -> str | None:
    """The name of the folder that a file or member lies in."""
    parts = parts_of(key)
    return parts[-2] if len(parts) > 1 else None


def parts_of(name: str) -> list[str]:
    """The names in a path, without those that say nothing: `./a//b` -> a, b. pathlib takes ten times as long."""
    return [part for part in name.split("/") if part and part != "."]


def leads_out(name: str) -> bool:
    """Whether a path that an archive gives leads out of it."""
    return name.startswith("/") or ".." in name.split("/")


# What programs leave beside photographs, in lower case: thumbnails of network drives, archives of macOS, recycle bins.
_LEFTOVERS = {
    "@eadir", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "__macosx", "desktop.ini", "ehthumbs.db",
    "lost+found", "system volume information", "thumbs.db",
}  # fmt: skip


def is_leftover(name: str) -> bool:
    """Whether a file or folder of that name is what a program leaves behind, or hidden: no photograph lies there."""
    return name.startswith(".") or name.lower() in _LEFTOVERS


def leftover_in(key: str) -> str | None:
    """The first part of a path that is a leftover."""
    return next((part for part in parts_of(key) if part != ".." and is_leftover(part)), None)
