"""A small release whose shop states no licence, and the shop's photographs in every form that somebody may have."""

from __future__ import annotations

import csv
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fieldguide.core.files import read_json, read_member, sha256_file, write_json
from fieldguide.core.paths import Paths
from fieldguide.params import Params, parse_params
from fieldguide.publishing.release.make import make_release
from fieldguide.records.images import IMAGES
from tests.builders import tiny_params
from tests.finished import finished_benchmark

SHOP, MUSEUM = 21, 2
Photographs = Mapping[str, bytes]
"""Bytes by source_key."""


def with_access(kind: str = "folder", columns: dict[str, str] | None = None, **access: Any) -> Params:
    """Parameters in which the shop is of a kind, and is got by `access`."""
    whole = tiny_params().model_dump(mode="json")
    whole["ingest"]["sources"][0] |= {"kind": kind, "columns": columns or {}}
    whole["release"] |= {"sources": {"shop": access} if access else {}}
    return parse_params(whole)


def shop_release(root: Path, params: Params) -> tuple[Path, dict[str, bytes]]:
    """The release folder, and the shop's photographs."""
    paths = finished_benchmark(root, params)
    make_release(params, paths)
    return paths.release, photographs(paths)


def photographs(paths: Paths, source: str = "shop") -> dict[str, bytes]:
    rows = IMAGES.read(paths.images).query("source == @source").itertuples()
    return {str(row.source_key): read_member(paths.shards / str(row.shard), row.offset, row.size) for row in rows}


def as_folder(to: Path, found: Photographs) -> Path:
    for key, data in found.items():
        (to / "pictures" / key).parent.mkdir(parents=True, exist_ok=True)
        (to / "pictures" / key).write_bytes(data)
    return to


def as_zip(to: Path, found: Photographs, prefix: str = "") -> Path:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, data in found.items():
            archive.writestr(f"{prefix}{key}", data)
    return to


def as_tar(to: Path, found: Photographs) -> Path:
    with tarfile.open(to, "w:gz" if to.suffix == ".gz" else "w") as archive:
        for key, data in found.items():
            info = tarfile.TarInfo(f"./{key}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return to


def as_table(to: Path, found: Photographs) -> Path:
    pq.write_table(pa.table({"key": list(found), "bytes": list(found.values())}), to)
    return to


def as_manifest(to: Path, found: Photographs) -> Path:
    as_folder(to.parent, found)
    with to.open("w", newline="") as stream:
        csv.writer(stream).writerows([["path"], *([f"pictures/{key}"] for key in found)])
    return to


FORMS: dict[str, tuple[str, Callable[[Path, Photographs], Path]]] = {
    "folder": ("shop", as_folder), "zip": ("shop.zip", as_zip), "tar": ("shop.tar", as_tar),
    "gzipped tar": ("shop.tar.gz", as_tar), "table": ("shop.parquet", as_table),
}  # fmt: skip


def described_as(release: Path, to: Path, **values: Any) -> Path:
    """A copy of the release whose sources.json says something else of the shop."""
    shutil.copytree(release, to)
    told = read_json(to / "sources.json")
    told["sources"]["shop"] |= values
    write_json(to / "sources.json", told)
    return to


def sums(folder: Path) -> dict[str, str]:
    """sha256 of the photographs in a folder, by the beginnings of their names; what is hidden is left out."""
    return {path.stem: sha256_file(path) for path in folder.iterdir() if path.suffix == ".png"}
