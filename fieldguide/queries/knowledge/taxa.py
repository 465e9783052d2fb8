"""Taxonomy paths from a table of taxa that somebody has, in Darwin Core: GBIF's backbone, an export of iNaturalist."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import csv_delimiter
from fieldguide.core.progress import Track, silent
from fieldguide.queries.knowledge.records import Entity

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus")
_IDS = ("id", "taxonID")
_NAMES = ("canonicalName", "scientificName")


@dataclass(frozen=True)
class FoundTaxon:
    """What a table says of an entity.

    Attributes:
        entity_id: of the entity.
        name: under which it was found.
        taxonomy: from the kingdom to the entity's own name, ranks without a name left out.
    """

    entity_id: str
    name: str
    taxonomy: tuple[str, ...]


def find_taxa(
    entities: Iterable[Entity], table: Path, vernacular: Path | None = None, track: Track = silent
) -> list[FoundTaxon]:
    """All taxa that have an entity's name or alias, in the order of entity ids; several where a name is ambiguous.

    Args:
        entities: to be found, by name and aliases; case does not matter.
        table: CSV or TSV with columns `scientificName` (or `canonicalName`) and ranks; read a row at a time.
        vernacular: a table of common names beside it, with `id` (or `taxonID`) and `vernacularName`.
        track: progress.

    Raises:
        FieldguideError: a file is missing, no UTF-8, or lacks these columns.
    """
    wanted: dict[str, list[Entity]] = {}
    for entity in entities:
        for name in {_folded(name) for name in (entity.name, *entity.aliases)}:
            wanted.setdefault(name, []).append(entity)
    common: dict[str, set[str]] = {}  # names that entities have, by the taxon's id
    if vernacular is not None:
        for row in track(_rows(vernacular, ("vernacularName",)), "common names", unit="names"):
            name = _folded(row["vernacularName"])
            if name in wanted:
                common.setdefault(_id(row), set()).add(name)
    found = {
        (entity.entity_id, name, path)
        for row in track(_rows(table, _NAMES[1:]), "taxa", unit="taxa")
        for name in _names_of(row) | common.get(_id(row), set())
        for entity in wanted.get(name, ())
        if (path := _path(row, entity.name))
    }
    return [FoundTaxon(*item) for item in sorted(found)]


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise FieldguideError(f"{path}: no such file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            mark = csv_delimiter(stream)
            # Darwin Core's tabs come without quoting: a quotation mark is a letter there.
            quoting: Literal[0, 3] = csv.QUOTE_NONE if mark == "\t" else csv.QUOTE_MINIMAL
            rows = csv.DictReader(stream, delimiter=mark, quoting=quoting, restkey="", restval="")
            lacking = [name for name in needed if name not in (rows.fieldnames or ())]
            if lacking:
                columns = ", ".join(rows.fieldnames or ()) or "nothing"
                raise FieldguideError(f"{path}:1: column `{lacking[0]}` is missing; found {columns[:300]}")
            yield from rows
    except UnicodeDecodeError as error:
        raise FieldguideError(f"{path}: no UTF-8 text ({error.reason} at byte {error.start})") from None
    except csv.Error as error:
        raise FieldguideError(f"{path}: not a table of text ({error})") from None


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _id(row: Mapping[str, str]) -> str:
    """The last part of an id: iNaturalist's are addresses."""
    return next((row[key].rsplit("/", 1)[-1] for key in _IDS if row.get(key)), "")


def _names_of(row: Mapping[str, str]) -> set[str]:
    return {_folded(row[key]) for key in _NAMES if row.get(key)}


def _path(row: Mapping[str, str], name: str) -> tuple[str, ...]:
    ranks = [row[rank].strip() for rank in RANKS if row.get(rank, "").strip()]
    return (*ranks, name) if ranks else ()
