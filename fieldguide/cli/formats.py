"""`fieldguide import` and `fieldguide export`: published benchmarks into the house's tables, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from fieldguide.formats.collection import PublishedBenchmark

IMPORT_EPILOG = (
    "Example: fieldguide import visual-rag-me visual-rag-me_final_v1.jsonl --to data/imported/visual-rag-me    "
    "`auto` tells the format from the content; docs/importing.md describes every format."
)
EXPORT_EPILOG = "Example: fieldguide export data/imported/visual-rag-me --to published"
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of lines.")]


def import_(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="A format by its name, or `auto`.")],
    path: Annotated[Path, typer.Argument(help="The published file or folder; it is only read.")],
    to: Annotated[Path | None, typer.Option("--to", help="Folder to make; data/imported/NAME if not given.")] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of the images: each is looked for and its sha256 kept.")
    ] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Read and count, and write nothing.")] = False,
    accept: Annotated[
        bool, typer.Option("--accept-loss", help="Import what could be read; collection.json keeps what was not.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import a published benchmark: topics, pools and qrels as tables, images as a manifest. Every label is kept."""
    from fieldguide.formats import export, manifest, reading, tables

    if (path / tables.ABOUT).is_file():
        raise FieldguideError(f"{path}: is an import already; `fieldguide export` gives its files back")
    collection = reading.read(None if form == "auto" else form, path)
    if not dry:
        tables.refuse_losses(collection, accept)
    entries = manifest.manifest(collection.images, images)
    folder = to or Path("data/imported") / collection.name
    if not dry:
        tables.write(folder, collection, entries, export.sources(collection, path))
    _tell(collection, manifest.advice(entries, collection.roots, images), None if dry else folder, path, as_json)


def export_(
    folder: Annotated[Path, typer.Argument(help="What `fieldguide import` made.")],
    to: Annotated[Path, typer.Option("--to", help="Folder to write into.")],
    form: Annotated[str | None, typer.Option("--format", help="Its own format if none is named.")] = None,
    as_json: Json = False,
) -> None:
    """Write an imported benchmark in its published form again, or in another one that can hold it."""
    from fieldguide.formats import export, tables
    from fieldguide.runtime.tables import show_json

    if not (folder / tables.ABOUT).is_file():
        raise FieldguideError(f"{folder}: no {tables.ABOUT}; name a folder that `fieldguide import` made")
    written = export.export(folder, form or tables.read(folder).format, to)
    if as_json:
        show_json([str(file) for file in written])
        return
    for file in written:
        print(f"wrote {file}")


def _tell(collection: PublishedBenchmark, advice: list[str], folder: Path | None, path: Path, as_json: bool) -> None:
    from fieldguide.formats import export, tables
    from fieldguide.runtime.tables import show_json

    found: dict[str, Any] = {"name": collection.name, "format": collection.format, "folder": folder and str(folder)}
    counts = tables.counts(collection)
    whole = export.is_whole(collection, path)
    if as_json:
        show_json({**found, "counts": counts, "whole": whole, "deviations": collection.deviations, "images": advice})
        return
    print(f"{collection.name} ({collection.format})")
    for name, count in counts.items():
        print(f"  {count:>9,} {name.replace('_', ' ')}")
    for deviation in collection.deviations[:20]:
        print(f"  {deviation.where}: {deviation.kind}: {deviation.detail}")
    if len(collection.deviations) > 20:
        print(f"  ... and {len(collection.deviations) - 20:,} more")
    for line in advice:
        print(line)
    print(f"An export gives {'every label and field' if whole else 'not everything'} back.")
    print(f"wrote {folder}" if folder else "nothing written (--dry-run)")
