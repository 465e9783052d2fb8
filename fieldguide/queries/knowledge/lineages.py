"""Tables of taxa as somebody has them: Darwin Core, iNaturalist's open data, the categories of a COCO file."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import csv_delimiter
from fieldguide.corpus.sources.coco import species_of_folder
from fieldguide.corpus.sources.json_lists import json_lists

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus")


def taxa_of(table: Path, wanted: Container[str]) -> Iterator[Mapping[str, str]]:
    """Taxa in Darwin Core's words: scientificName, vernacularName and the RANKS.

    Args:
        table: which of the forms it is, its name (`.json`) and columns say.
        wanted: names, folded; of iNaturalist's open data no others are given.

    Raises:
        FieldguideError: the file is missing, damaged, or of none of these forms.
    """
    if table.suffix.lower() == ".json":
        return _categories(table)
    first = next(read_rows(table, ()), {})
    return _open_data(table, wanted) if "ancestry" in first else read_rows(table, ("scientificName",))


def folded(name: str) -> str:
    """A name as names are compared."""
    return " ".join(name.casefold().split())


def read_rows(path: Path, needed: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Rows of a table separated by commas, semicolons or tabs, plain or compressed (`.gz`).

    Raises:
        FieldguideError: it is missing, no UTF-8, damaged, or lacks a column.
    """
    if not path.is_file():
        raise FieldguideError(f"{path}: no such file")
    try:
        with _opened(path) as stream:
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
    except (csv.Error, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FieldguideError(f"{path}: not a table of text ({error})") from None


def _opened(path: Path) -> io.TextIOWrapper:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    stream: io.TextIOWrapper = opened(path, "rt", encoding="utf-8-sig", newline="")
    return stream


def _categories(path: Path) -> Iterator[Mapping[str, str]]:
    """The categories of a COCO file; of those that give no ranks the folder's name may."""
    for key, item in json_lists(path):
        if key == "categories" and isinstance(item, dict):
            told = {name: value for name, value in item.items() if isinstance(value, str)}
            name = told.get("name", "")
            folder = species_of_folder(told.get("image_dir_name", name))
            ranks = dict(zip(RANKS, folder[0], strict=True)) if folder else {}
            called = folder[1] if folder and species_of_folder(name) else name
            yield {**ranks, **told, "scientificName": called, "vernacularName": told.get("common_name", "")}


def _open_data(table: Path, wanted: Container[str]) -> Iterator[Mapping[str, str]]:
    """Active taxa of these names. Their ancestors are numbers, and are looked up in a second reading."""
    found = [
        (row["name"], re.split(r"[/\\]", row["ancestry"]))
        for row in read_rows(table, ("taxon_id", "ancestry", "rank", "name"))
        if folded(row["name"]) in wanted and row.get("active", "").lower() not in ("false", "f")
    ]
    needed = {number for _, ancestry in found for number in ancestry}
    above = {
        row["taxon_id"]: (row["rank"], row["name"])
        for row in read_rows(table, ())
        if row["taxon_id"] in needed and row["rank"] in RANKS
    }
    for name, ancestry in found:
        yield {"scientificName": name, **dict(above[number] for number in ancestry if number in above)}
