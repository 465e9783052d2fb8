"""Readers: a source of params.yaml as a stream of candidates, whatever kind it is.

A candidate that could not be read carries its refusal; nothing is passed over in silence. Names out of archives
and tables are never used to write, and reading stays inside the source's folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import canonical_json, sha256_bytes
from fieldguide.core.yaml_files import read_yaml
from fieldguide.corpus.sources.archives import read_tar, split_tar, tar_key
from fieldguide.corpus.sources.candidates import Say, SourceImage
from fieldguide.corpus.sources.coco import list_coco, split_coco
from fieldguide.corpus.sources.files import list_folder, read_folder, read_listed, split_folder
from fieldguide.corpus.sources.inaturalist import list_inaturalist, split_inaturalist
from fieldguide.corpus.sources.parts import Part
from fieldguide.corpus.sources.patterns import tars_of
from fieldguide.corpus.sources.section import OF_TARS, ImageSource, is_pattern
from fieldguide.corpus.sources.tables import (
    list_table,
    parquet_key,
    read_manifest,
    read_parquet,
    split_manifest,
    split_parquet,
)
from fieldguide.corpus.sources.webdataset import read_webdataset, split_webdataset, webdataset_key


class _Reader(NamedTuple):
    """What a kind of source does.

    Attributes:
        split: cuts it into parts, in order; tells how it was understood. Opens no photograph.
        read: every candidate of a part, in order.
        key: the sha256 of all that `read` depends on; None: of what it gives.
    """

    split: Callable[[ImageSource, Path, Path, Say], Iterator[Part]]
    read: Callable[[Part, Path], Iterator[SourceImage]]
    key: Callable[[Part, Path], str] | None = None


_READERS = {
    "folder": _Reader(split_folder, read_folder),
    "tar": _Reader(split_tar, read_tar, tar_key),
    "webdataset": _Reader(split_webdataset, read_webdataset, webdataset_key),
    "coco": _Reader(split_coco, read_listed),
    "inaturalist": _Reader(split_inaturalist, read_listed),
    "parquet": _Reader(split_parquet, read_parquet, parquet_key),
    "manifest": _Reader(split_manifest, read_manifest),
}


def split_source(source: ImageSource, root: Path, say: Say = lambda _: None) -> Iterator[Part]:
    """The parts of a source, in order; paths are relative to `root`. `say` is told how the source was understood.

    Raises:
        FieldguideError: the source is not of its kind, or damaged.
        ProblemsError: columns that are missing, lines that do not fit.
    """
    return _READERS[source.kind].split(source, root / source.path, root, say)


def read_part(part: Part, root: Path) -> Iterator[SourceImage]:
    """Every candidate of a part.

    Raises:
        FieldguideError: an archive or a table is damaged.
    """
    return _READERS[part.source.kind].read(part, root)


def part_key(part: Part, root: Path) -> str:
    """The sha256 of all that a part gives: names, labels and bytes. Nothing is decoded."""
    key = _READERS[part.source.kind].key
    if key is not None:
        return key(part, root)
    digest = hashlib.sha256()
    for candidate in read_part(part, root):
        told = {**vars(candidate), "data": sha256_bytes(candidate.data), "refusal": str(candidate.refusal)}
        digest.update(canonical_json(told).encode())
    return digest.hexdigest()


def read_source(source: ImageSource, root: Path, say: Say = lambda _: None) -> Iterator[SourceImage]:
    """Every candidate of a source, one after the other.

    Raises:
        FieldguideError, ProblemsError: as `split_source` and `read_part`.
    """
    for part in split_source(source, root, say):
        yield from read_part(part, root)


def list_source(source: ImageSource, root: Path) -> Iterator[SourceImage]:
    """Every candidate of a source with its labels, without its bytes: in seconds, and nothing is decoded.

    Of a folder only what is named like an image; of a tar nothing, for it can only be read from front to back.

    Raises:
        FieldguideError, ProblemsError: as `read_source`.
    """
    path = root / source.path
    if source.kind == "folder":
        yield from list_folder(path)
    elif source.kind == "coco":
        yield from list_coco(source, path)
    elif source.kind == "inaturalist":
        yield from list_inaturalist(source, path)
    elif source.kind not in OF_TARS:
        yield from list_table(source, path)


def untracked_sources(sources: list[ImageSource], root: Path) -> Iterator[Problem]:
    """Sources of which dvc.yaml knows nothing: a photograph more in them would go unnoticed.

    Paths are compared as they are written; a link to a folder elsewhere tells DVC nothing of what changes there.
    """
    pipeline = root / "dvc.yaml"
    if not pipeline.exists():
        return
    stage = read_yaml(pipeline).get("stages", {}).get("ingest", {})
    tracked = [root / dep for dep in stage.get("deps", ()) if isinstance(dep, str)]
    for index, source in enumerate(sources):
        path = root / source.path if (root / source.path).exists() else root / source.place
        if not any(path.resolve().is_relative_to(dep.resolve()) and path.is_relative_to(dep) for dep in tracked):
            what = f"{source.path} lies outside what dvc.yaml's stage ingest depends on, so that changes go unnoticed"
            yield Problem(
                f"params.yaml: ingest.sources.{index}.path",
                f"{what}; put it under data/input/photographs, or add it to that stage's `deps`",
            )


def missing_sources(sources: list[ImageSource], root: Path) -> Iterator[Problem]:
    """Sources whose path does not exist, is no regular file (a pipe, say), or a file where a folder is meant.

    Of many tars each that is missing.
    """
    for index, source in enumerate(sources):
        for what in _missing(source, root):
            yield Problem(f"params.yaml: ingest.sources.{index}.path", what)


def _missing(source: ImageSource, root: Path) -> Iterator[str]:
    path, wanted = root / source.path, "folder" if source.kind in ("folder", "inaturalist") else "file"
    if source.kind in OF_TARS and (path.is_dir() or (is_pattern(source.path) and not path.exists())):
        yield from _missing_tars(source, root)
    elif not path.exists():
        yield f"{path}: no such {wanted}; `make data` places the example's input"
        if is_pattern(source.path):
            yield f"{source.path}: a pattern means several files of kinds {' and '.join(OF_TARS)} alone"
    elif not (path.is_dir() if wanted == "folder" else path.is_file()):
        yield f"{path}: source {source.name!r} of kind `{source.kind}` needs a {wanted}"


def _missing_tars(source: ImageSource, root: Path) -> Iterator[str]:
    try:
        tars_of(source, root)
    except ProblemsError as error:
        yield from map(str, error.problems)
    except FieldguideError as error:
        yield str(error)
