"""WebDatasets: tars in which members of a common name are one sample, a photograph and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldguide.core.files import content_key
from fieldguide.corpus.sources.archives import PlacedMember, read_members, split_tars, tar_key
from fieldguide.corpus.sources.candidates import Say, SourceImage, leads_out, leftover_in, text_of_name
from fieldguide.corpus.sources.cells import OTHER_SPELLINGS, RowCells, UnusableError, plain_value
from fieldguide.corpus.sources.parts import Part, begins_part
from fieldguide.corpus.sources.patterns import prefix_of
from fieldguide.corpus.sources.section import ImageSource, SourceColumns
from fieldguide.corpus.store.pixels import PixelVerdict

_PHOTOGRAPHS = (".jpg", ".jpeg", ".png", ".webp")
_LONGEST = 1 << 20
"""Bytes of a member that holds labels."""
_ROLES = tuple(role for role in SourceColumns.model_fields if role not in {"bytes", "path"})


def split_webdataset(source: ImageSource, path: Path, root: Path, say: Say) -> Iterator[Part]:
    """Parts of tars as of kind `tar`, of which none begins within a sample."""
    return split_tars(source, root, say, _new_samples)


def read_webdataset(part: Part, root: Path) -> Iterator[SourceImage]:
    """Every sample of a part, and what belongs to none: leftovers of programs, names that lead out.

    Raises:
        FieldguideError: as `read_tar`.
    """
    prefix, sample = prefix_of(part.source, part.file), None
    for name, data, refusal in read_members(part, root):
        base, extension = _sample_of(name)
        if base is None:
            yield SourceImage(prefix + name, name, b"", refusal)
            continue
        if sample is None or sample.base != base:
            if sample is not None:
                yield sample.candidate(prefix)
            sample = _Sample(part.source.columns, base)
        sample.add(name, extension, data, refusal)
    if sample is not None:
        yield sample.candidate(prefix)


def webdataset_key(part: Part, root: Path) -> str:
    """The sha256 of a part's bytes, and of which labels are read of them."""
    return content_key(tar=tar_key(part, root), columns=part.source.columns.model_dump())


def _sample_of(name: str) -> tuple[str | None, str]:
    """What the members of a sample share, up to the first dot of the file's name, and the rest in lower case.

    None for what belongs to no sample.
    """
    if leads_out(name) or leftover_in(name) is not None:
        return None, ""
    folder, slash, file = name.rpartition("/")
    stem, dot, extension = file.partition(".")
    return folder + slash + stem, (dot + extension).lower()


def _new_samples(members: Iterator[PlacedMember]) -> Iterator[PlacedMember]:
    """First members of samples that begin a part: by the sample's name, and the size of the one before it."""
    before, size = None, 0
    for member in members:
        base, _ = _sample_of(text_of_name(member.name.decode("utf-8", "surrogateescape")))
        if member.is_folder or base is None:
            continue
        if base != before:
            if before is not None and begins_part(base.encode(), size):
                yield member
            before, size = base, 0
        size += member.size


class _Sample:
    """Members of one name. Of photographs no more than one is kept in memory, of the rest what holds labels."""

    def __init__(self, columns: SourceColumns, base: str) -> None:
        self.base = base
        self._columns = columns
        given = [name.lower() for name in columns.model_dump().values() if name and name.startswith(".")]
        self._wanted = {".json", *given}
        self._photographs: list[str] = []
        self._data: tuple[bytes, PixelVerdict | None] = b"", None
        self._texts: dict[str, tuple[bytes, PixelVerdict | None]] = {}

    def add(self, name: str, extension: str, data: bytes, refusal: PixelVerdict | None) -> None:
        """Take one of its members; what is neither photograph nor labels is passed over."""
        if extension in ([self._columns.bytes.lower()] if self._columns.bytes else _PHOTOGRAPHS):
            self._photographs = [*self._photographs[:1], name]
            self._data = data, refusal
        elif extension in self._texts:
            self._texts[extension] = b"", PixelVerdict("unreadable", "occurs twice")
        elif extension in self._wanted:
            too_long = PixelVerdict("unreadable", f"has {len(data)} bytes; at most {_LONGEST} are read")
            self._texts[extension] = (data, refusal) if len(data) <= _LONGEST else (b"", too_long)

    def candidate(self, prefix: str) -> SourceImage:
        """The sample as a photograph, or why it is none."""
        key, name = prefix + self.base, self._photographs[0] if self._photographs else ""
        data, refusal = self._data
        try:
            self._require_one()
            return RowCells(0, self._cells()).candidate(key, name, data, refusal)
        except UnusableError as error:
            return SourceImage(key, name, b"", PixelVerdict("unreadable", str(error)))

    def _require_one(self) -> None:
        if not self._photographs:
            raise UnusableError(f"the sample has no photograph ({self._columns.bytes or ', '.join(_PHOTOGRAPHS)})")
        if len(self._photographs) > 1:
            both = " and ".join(self._photographs)
            raise UnusableError(f"the sample has two photographs, {both}; name one by its extension in columns.bytes")

    def _cells(self) -> dict[str, Any]:
        """What it says by role."""
        told = self._json()
        return {role: self._cell(role, told) for role in _ROLES}

    def _cell(self, role: str, told: dict[str, Any]) -> Any:
        column = getattr(self._columns, role)
        if column is None:
            spellings = (role, *(other for other, spelled in OTHER_SPELLINGS.items() if spelled == role))
            column = next((name for name in spellings if name in told), None)
        elif column.startswith("."):
            return self._text(column.lower()).strip()
        elif column not in told:
            raise UnusableError(f"the sample has no .json with the key {column!r}, which columns.{role} names")
        return None if column is None else plain_value(f"{column!r} of its .json", told[column])

    def _json(self) -> dict[str, Any]:
        if ".json" not in self._texts:
            return {}
        try:
            told = json.loads(self._text(".json"))
        except (ValueError, RecursionError) as error:
            what = "is nested too deeply" if isinstance(error, RecursionError) else f"is not valid JSON ({error})"
            raise UnusableError(f"its .json {what}") from None
        if not isinstance(told, dict):
            raise UnusableError(f"its .json is a {type(told).__name__}; expected an object")
        return told

    def _text(self, extension: str) -> str:
        if extension not in self._texts:
            raise UnusableError(f"the sample has no {extension}, which params.yaml names")
        data, refusal = self._texts[extension]
        if refusal is not None:
            raise UnusableError(f"its {extension} {refusal.detail}")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UnusableError(f"byte {error.start + 1} of its {extension} is no UTF-8") from None
