"""Parts of sources: what is cut is read whole, and one file more changes one part."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.sources import parts, tables
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.sources.parts import Part
from fieldguide.corpus.sources.reading import part_key, read_part, split_source
from fieldguide.corpus.sources.section import ImageSource
from tests.corpus.pictures import write_files

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_CANDIDATES", 4)
    monkeypatch.setattr(tables, "_PART_ROWS", 3)


def packed(path: Path, members: dict[str, bytes], format_: int = tarfile.GNU_FORMAT, mtime: float = 0) -> ImageSource:
    with tarfile.open(path, "w", format=format_) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), mtime
            tar.addfile(info, io.BytesIO(data))
    return ImageSource.model_validate({"name": "s", "kind": "tar", "path": path.name})


def cut(source: ImageSource, root: Path) -> list[Part]:
    return list(split_source(source, root))


def read(source: ImageSource, root: Path) -> list[SourceImage]:
    """Every candidate, each part read as another process would."""
    return [one for part in cut(source, root) for one in read_part(pickle.loads(pickle.dumps(part)), root)]


def some(count: int, name: str = "folder-{0}/{0:03}.jpg") -> dict[str, bytes]:
    return {name.format(n): bytes([n % 256]) * (n * 37 % 1500) for n in range(count)}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("mtime", [0, 0.5])
def test_the_parts_of_a_tar_together_are_the_tar(tmp_path: Path, format_: str, mtime: float) -> None:
    members = some(60)
    if format_ != "ustar":
        members |= some(20, "a-very-long-name/" * 9 + "{0:03}.jpg") | some(20, "ärger-{0}.jpg")
    source = packed(tmp_path / "s.tar", members, FORMATS[format_], mtime if format_ == "pax" else 0)
    assert len(cut(source, tmp_path)) > 5
    assert {one.key: one.data for one in read(source, tmp_path)} == members


def test_a_member_more_changes_one_part_of_a_tar(tmp_path: Path) -> None:
    members = some(100)
    before = [part_key(part, tmp_path) for part in cut(packed(tmp_path / "s.tar", members), tmp_path)]
    more = dict([*list(members.items())[:50], ("x/new.jpg", b"new"), *list(members.items())[50:]])
    after = [part_key(part, tmp_path) for part in cut(packed(tmp_path / "s.tar", more), tmp_path)]
    assert len(before) > 10 and 1 <= len(set(after) - set(before)) <= 2


def test_folders_links_and_devices_of_a_tar_are_read_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        for n in range(40):
            folder, link = tarfile.TarInfo(f"d{n}"), tarfile.TarInfo(f"d{n}/link")
            folder.type, link.type, link.linkname = tarfile.DIRTYPE, tarfile.SYMTYPE, "0.jpg"
            info = tarfile.TarInfo(f"d{n}/0.jpg")
            info.size = 5
            tar.addfile(folder)
            tar.addfile(link)
            tar.addfile(info, io.BytesIO(b"bytes"))
    source = ImageSource.model_validate({"name": "s", "kind": "tar", "path": "s.tar"})
    found = read(source, tmp_path)
    assert [one.key for one in found] == [f"d{n}/{name}" for n in range(40) for name in ("link", "0.jpg")]
    assert {one.data for one in found if one.refusal is None} == {b"bytes"} and len(cut(source, tmp_path)) > 5


@pytest.mark.parametrize("damage", ["cut", "header", "size", "tail"])
def test_a_damaged_tar_is_told_whatever_part_it_is_in(tmp_path: Path, damage: str) -> None:
    source = packed(tmp_path / "s.tar", some(60))
    path = tmp_path / "s.tar"
    data = bytearray(path.read_bytes())
    at = data.index(b"folder-30/030.jpg")
    if damage == "cut":
        del data[at + 600 :]
    elif damage == "header":
        data[at : at + 512] = b"?" * 512
    elif damage == "size":
        data[at + 124 : at + 135] = b"77777777777"
    else:
        data += b"more"
    path.write_bytes(data)
    with pytest.raises(FieldguideError, match=r"s\.tar: source 's': not a tar, or damaged after member \d+ .*pack it"):
        read(source, tmp_path)


def test_a_compressed_tar_is_one_part(tmp_path: Path) -> None:
    import gzip

    packed(tmp_path / "s.tar", some(60))
    (tmp_path / "s.tgz").write_bytes(gzip.compress((tmp_path / "s.tar").read_bytes()))
    source = ImageSource.model_validate({"name": "s", "kind": "tar", "path": "s.tgz"})
    assert len(cut(source, tmp_path)) == 1 and len(read(source, tmp_path)) == 60


@pytest.mark.parametrize("kind", ["folder", "manifest", "parquet"])
def test_a_file_more_changes_one_part(tmp_path: Path, kind: str) -> None:
    source = _source(tmp_path, kind, 90)
    before = [part_key(part, tmp_path) for part in cut(source, tmp_path)]
    found = read(source, tmp_path)
    _source(tmp_path, kind, 91)
    after = [part_key(part, tmp_path) for part in cut(source, tmp_path)]
    assert len(before) > 5 and 1 <= len(set(after) - set(before)) <= 2
    assert len(found) == 90 and read(source, tmp_path)[:90] == found


def _source(root: Path, kind: str, count: int) -> ImageSource:
    files = some(count, "{0:03}.jpg")
    path: dict[str, Any] = {"folder": "files", "manifest": "files/m.csv", "parquet": "s.parquet"}
    write_files(root / "files", files)
    if kind == "manifest":
        (root / "files/m.csv").write_text("path\n" + "".join(f"{name}\n" for name in files))
    if kind == "parquet":
        table = pa.table({"bytes": list(files.values()), "key": list(files)})
        pq.write_table(table, root / "s.parquet", row_group_size=2)
    return ImageSource.model_validate({"name": "s", "kind": kind, "path": path[kind]})


def test_other_bytes_under_the_same_name_are_another_key(tmp_path: Path) -> None:
    for kind in ("folder", "manifest"):
        source = _source(tmp_path, kind, 9)
        before = [part_key(part, tmp_path) for part in cut(source, tmp_path)]
        (tmp_path / "files/004.jpg").write_bytes(b"other bytes")
        assert len({part_key(part, tmp_path) for part in cut(source, tmp_path)} - set(before)) == 1
