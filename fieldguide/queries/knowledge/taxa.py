"""Taxonomy paths of entities, from a table of taxa that somebody has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fieldguide.core.progress import Track, silent
from fieldguide.queries.knowledge.lineages import RANKS, folded, read_rows, taxa_of
from fieldguide.queries.knowledge.records import Entity

_IDS = ("id", "taxonID")
_NAMES = ("canonicalName", "scientificName", "vernacularName")


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
        table: as `taxa_of` takes it; read a row at a time.
        vernacular: a table of common names beside it, with `id` (or `taxonID`) and `vernacularName`.
        track: progress.

    Raises:
        FieldguideError: a file is missing, no UTF-8, or lacks these columns.
    """
    wanted: dict[str, list[Entity]] = {}
    for entity in entities:
        for name in {folded(name) for name in (entity.name, *entity.aliases)}:
            wanted.setdefault(name, []).append(entity)
    common: dict[str, set[str]] = {}  # names that entities have, by the taxon's id
    if vernacular is not None:
        for row in track(read_rows(vernacular, ("vernacularName",)), "common names", unit="names"):
            name = folded(row["vernacularName"])
            if name in wanted:
                common.setdefault(_id(row), set()).add(name)
    found = {
        (entity.entity_id, name, path)
        for row in track(taxa_of(table, wanted), "taxa", unit="taxa")
        for name in _names_of(row) | common.get(_id(row), set())
        for entity in wanted.get(name, ())
        if (path := _path(row, entity.name))
    }
    return [FoundTaxon(*item) for item in sorted(found)]


def _id(row: Mapping[str, str]) -> str:
    """The last part of an id: iNaturalist's are addresses."""
    return next((row[key].rsplit("/", 1)[-1] for key in _IDS if row.get(key)), "")


def _names_of(row: Mapping[str, str]) -> set[str]:
    return {folded(row[key]) for key in _NAMES if row.get(key)}


def _path(row: Mapping[str, str], name: str) -> tuple[str, ...]:
    ranks = [row[rank].strip() for rank in RANKS if row.get(rank, "").strip()]
    return (*ranks, name) if ranks else ()
