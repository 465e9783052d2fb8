"""iNaturalist's open data: tables of photographs, observations, taxa and observers, beside the photographs."""

from __future__ import annotations

import gzip
import itertools
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, NamedTuple

import pandas as pd

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.corpus.sources.candidates import Say, SourceImage
from fieldguide.corpus.sources.cells import UnusableError, licence_of
from fieldguide.corpus.sources.parts import Part, listed_parts
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import PixelVerdict

_COLUMNS = {
    "photos": ("photo_id", "observation_uuid", "observer_id", "license"),
    "observations": ("observation_uuid", "taxon_id", "quality_grade"),
    "taxa": ("taxon_id",),
    "observers": ("observer_id", "login", "name"),
}
"""Of each table what is read; of taxa also what an entity is called by. The first is what others name its rows by."""
_SIZES = ("original", "large", "medium", "small")
"""What a photograph's file may be called, the best first; what is smaller is cropped, or the size of a stamp."""
_OTHERS = "files under photos/ are smaller sizes of a photograph, or none, and are not read"
_SHOWN = 12
_LONGEST = 1 << 16
"""Bytes of a header."""


def split_inaturalist(source: ImageSource, path: Path, root: Path, say: Say) -> Iterator[Part]:
    """Parts of the photographs that lie in the folder `photos`: some of them each.

    Raises:
        FieldguideError: a table is damaged.
        ProblemsError: tables or columns that are missing, taxa that cannot be told apart.
    """
    return listed_parts(source, ((image.key, image) for image in list_inaturalist(source, path, say)))


def list_inaturalist(source: ImageSource, path: Path, say: Say = lambda _: None) -> Iterator[SourceImage]:
    """Every photograph of the folder `photos` whose observation has a grade of `grades`, without its bytes.

    The tables, of hundreds of millions of rows, are streamed; what is said of the photographs that are here is kept.

    Raises:
        FieldguideError, ProblemsError: as `split_inaturalist`.
    """
    tables = list(_tables(source, path))
    files, others = _files(path / "photos")
    said = _joined(source, tables, files)
    counts = Counter[str]()
    for _, rows in itertools.groupby(said.itertuples(), attrgetter("photo_id")):
        image = _image(source, list(rows), counts)
        if image is not None:
            yield image
    counts[_OTHERS] = others
    for what, count in sorted(counts.items()):
        if count:
            say(f"source {source.name}: {count:,} {what}")


class _Table(NamedTuple):
    path: Path
    columns: tuple[str, ...]
    separator: str


def _tables(source: ImageSource, folder: Path) -> Iterator[_Table]:
    """The four tables. Raises: ProblemsError with all that are missing, and columns that are."""
    problems = [] if (folder / "photos").is_dir() else [Problem(str(folder / "photos"), "no such folder")]
    for name, columns in _COLUMNS.items():
        wanted = (*columns, _label(source)) if name == "taxa" else columns
        there = [path for path in (folder / f"{name}.csv", folder / f"{name}.csv.gz") if path.is_file()]
        if len(there) != 1:
            what = "both are there; remove one" if there else "no such file, nor with .gz"
            problems.append(Problem(str(folder / f"{name}.csv"), what))
            continue
        header = _header(source, there[0])
        separator = "\t" if "\t" in header else ","
        names = [cell.strip('"') for cell in header.split(separator)]
        has = f"it has {', '.join(names)}"
        problems += [Problem(str(there[0]), f"has no column {one!r}; {has}") for one in wanted if one not in names]
        yield _Table(there[0], tuple(dict.fromkeys(wanted)), separator)
    if problems:
        raise ProblemsError(f"source {source.name!r} cannot be read:", problems)


def _label(source: ImageSource) -> str:
    return source.columns.entity or "name"


def _header(source: ImageSource, path: Path) -> str:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    stream: IO[bytes]
    try:
        with opened(path, "rb") as stream:
            return stream.readline(_LONGEST).decode("utf-8-sig").rstrip("\r\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise FieldguideError(f"{path}: source {source.name!r}: not a table, or damaged ({error})") from None


def _files(folder: Path) -> tuple[pd.DataFrame, int]:
    """The best file of each photograph, empty where there is none, and how many files are not read."""
    found, others = dict[str, str](), 0
    for entry in os.scandir(folder):
        if not (entry.name.isascii() and entry.name.isdecimal() and entry.is_dir(follow_symlinks=False)):
            others += 1
            continue
        names = [file.name for file in Path(entry).iterdir()]
        sized = [name for name in names if name.isascii() and name.partition(".")[0] in _SIZES]
        best = min(sized, key=lambda name: (_SIZES.index(name.partition(".")[0]), name), default="")
        found[entry.name] = f"photos/{entry.name}/{best}" if best else ""
        others += len(names) - bool(best)
    return pd.DataFrame({"photo_id": list(found), "file": list(found.values())}, dtype=str), others


def _joined(source: ImageSource, tables: Sequence[_Table], files: pd.DataFrame) -> pd.DataFrame:
    """Files with all that the tables say of them; a row for each observation that a photograph belongs to."""
    said = files
    for number, (table, key) in enumerate(zip(tables, (columns[0] for columns in _COLUMNS.values()), strict=True)):
        rows = _matching(source, table, key, said[key])
        if number and rows[key].duplicated().any():
            twice = rows[key][rows[key].duplicated()].iloc[0]
            raise FieldguideError(f"{table.path}: source {source.name!r}: {key} {twice} has more than one row")
        if key == "taxon_id":
            rows = rows.assign(label=rows[_label(source)])[["taxon_id", "label"]]
            if source.entities is not None:
                _require_distinct(table.path, source, rows)
        said = said.merge(rows, on=key, how="left").fillna("")
    return said.sort_values(["photo_id", "observation_uuid"])


def _matching(source: ImageSource, table: _Table, key: str, keys: pd.Series[str]) -> pd.DataFrame:
    """The rows whose key is among `keys`. The table is streamed."""
    import pyarrow as pa
    from pyarrow import csv, dataset

    # Tables of the open data hold quotation marks that quote nothing.
    quote = False if table.separator == "\t" else '"'
    parsed = dataset.CsvFileFormat(csv.ParseOptions(delimiter=table.separator, quote_char=quote))
    schema = pa.schema([(column, pa.string()) for column in table.columns])
    try:
        rows = dataset.dataset(table.path, schema=schema, format=parsed)
        found = rows.join(pa.table({key: pa.array(keys.unique(), pa.string())}), key, join_type="left semi")
        frame: pd.DataFrame = found.to_table().to_pandas().fillna("").astype(str)
        return frame
    except (pa.ArrowInvalid, OSError) as error:
        raise FieldguideError(f"{table.path}: source {source.name!r}: not a table, or damaged ({error})") from None


def _require_distinct(path: Path, source: ImageSource, taxa: pd.DataFrame) -> None:
    """Raises: ProblemsError with taxa that would become one entity."""
    twice = taxa[taxa["label"].duplicated(keep=False) & (taxa["label"] != "")]
    remedy = "columns.entity: taxon_id tells them apart"
    problems = [
        Problem(f"{path}: taxa {', '.join(ids)}", f"are all called {label!r}; {remedy}")
        for label, ids in twice.groupby("label")["taxon_id"]
    ]
    if problems:
        raise ProblemsError(f"source {source.name!r} cannot be read:", problems)


def _image(source: ImageSource, rows: list[Any], counts: Counter[str]) -> SourceImage | None:
    """A photograph with its labels, or why it cannot be used; None where its observations are of other grades."""
    first, refusal, entity = rows[0], None, None
    try:
        if not first.file:
            raise UnusableError(f"its folder has none of {', '.join(_SIZES)}")
        graded = [row for row in rows if _graded(row) in source.grades]
        if not graded:
            counts[f"photographs of observations of grade {first.quality_grade} are not read (`grades`)"] += 1
            return None
        first = graded[0]
        entity = _entity(graded) if source.entities is not None else None
    except UnusableError as error:
        refusal = PixelVerdict(error.reason, str(error))
    licence = _LICENCES.get(first.license) or licence_of(first.license)
    return SourceImage(
        first.photo_id, first.file, b"", refusal, entity, None, licence, first.name or first.login or None
    )


def _graded(row: Any) -> str:
    if not row.observation_uuid:
        raise UnusableError("photos.csv says nothing of it")
    if not row.quality_grade:
        raise UnusableError("observations.csv says nothing of its observation")
    return str(row.quality_grade)


def _entity(rows: list[Any]) -> str | None:
    taxa = {row.taxon_id: row.label for row in rows}
    if len(taxa) > 1:
        names = ", ".join(sorted(label or "none" for label in taxa.values())[:_SHOWN])
        raise UnusableError(f"belongs to observations of several taxa ({names})", "contradictory")
    ((taxon, label),) = taxa.items()
    if taxon and not label:
        raise UnusableError(f"taxa.csv says nothing of its taxon {taxon}")
    return label or None


# What iNaturalist calls the licences of Creative Commons, all of one version.
_LICENCES = {
    f"CC-{kind}": f"CC-{kind}-4.0" for kind in ("BY", "BY-NC", "BY-SA", "BY-ND", "BY-NC-SA", "BY-NC-ND")
} | {"CC0": "CC0-1.0"}  # fmt: skip
