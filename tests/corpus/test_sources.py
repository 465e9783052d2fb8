from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.corpus.sources.reading import SourceImage, missing_sources, read_source
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import MAX_BYTES
from tests.corpus.pictures import photo, write_files


def _read(root: Path, **source: Any) -> list[SourceImage]:
    return list(read_source(ImageSource.model_validate({"name": "s", **source}), root))


def _tar(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w") -> None:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def _special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def test_a_folder_gives_its_files_and_the_folders_they_lie_in(tmp_path: Path) -> None:
    write_files(tmp_path / "p", {"b/Anjou/2.png": b"2", "Bosc/1.png": b"1", "top.png": b"0"})
    found = _read(tmp_path, kind="folder", path="p")
    assert {(c.key, c.entity, c.data) for c in found} == {
        ("b/Anjou/2.png", "Anjou", b"2"),
        ("Bosc/1.png", "Bosc", b"1"),
        ("top.png", None, b"0"),
    }
    assert all(c.refusal is None and c.split is None for c in found)


def test_a_folder_does_not_lead_outside(tmp_path: Path) -> None:
    write_files(tmp_path, {"secret.png": photo(1), "p/real/in.png": photo(2), "elsewhere/x.png": photo(3)})
    for name, target in [
        ("out.png", "../secret.png"),
        ("dangling.png", "nowhere"),
        ("loop.png", "loop.png"),
        ("inside.png", "real/in.png"),
        ("folder", "../elsewhere"),
    ]:
        (tmp_path / "p" / name).symlink_to(target)
    os.mkfifo(tmp_path / "p" / "pipe.png")
    found = {c.key: (c.refusal.reason, c.refusal.detail) if c.refusal else None for c in _read(
        tmp_path, kind="folder", path="p"
    )}  # fmt: skip
    assert found.pop("loop.png")[0] == "unreadable"  # type: ignore[index]
    assert found == {
        "real/in.png": None,
        "inside.png": None,
        "out.png": ("unreadable", "lies outside p/, the source's folder"),
        "folder": ("unreadable", "lies outside p/, the source's folder"),
        "dangling.png": ("unreadable", "no such file"),
        "pipe.png": ("unreadable", "is not a regular file"),
    }


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    with (tmp_path / "p" / "huge.png").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    (candidate,) = _read(tmp_path, kind="folder", path="p")
    assert candidate.data == b""
    assert candidate.refusal is not None and candidate.refusal.reason == "oversized"


def test_a_name_that_is_no_utf8_is_spelled_out(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / os.fsdecode(b"p/\xff.png")).write_bytes(b"1")
    assert [c.key for c in _read(tmp_path, kind="folder", path="p")] == ["\\xff.png"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_a_tar_gives_its_members(tmp_path: Path, mode: str) -> None:
    folder = tarfile.TarInfo("Anjou")
    folder.type = tarfile.DIRTYPE
    _tar(tmp_path / "a.tar", [(folder, b""), (tarfile.TarInfo("Anjou/1.png"), b"1"), (tarfile.TarInfo("0"), b"")], mode)
    found = _read(tmp_path, kind="tar", path="a.tar")
    assert [(c.key, c.entity, c.data) for c in found] == [("Anjou/1.png", "Anjou", b"1"), ("0", None, b"")]


def test_a_hostile_tar_is_read_and_its_tricks_are_refused(tmp_path: Path) -> None:
    members = [
        (tarfile.TarInfo("../../evil.png"), photo(1)),
        (tarfile.TarInfo("/etc/evil.png"), photo(1)),
        (tarfile.TarInfo("a/../../evil.png"), photo(1)),
        _special("link.png", tarfile.SYMTYPE, "/etc/passwd"),
        _special("hard.png", tarfile.LNKTYPE, "../../evil.png"),
        _special("device.png", tarfile.CHRTYPE),
        _special("pipe.png", tarfile.FIFOTYPE),
        (tarfile.TarInfo("good.png"), photo(2)),
    ]
    _tar(tmp_path / "a.tar", members)
    before = set(tmp_path.rglob("*"))
    found = {c.key: c.refusal.detail if c.refusal else None for c in _read(tmp_path, kind="tar", path="a.tar")}
    assert found == {
        "../../evil.png": "its name leads out of the archive",
        "/etc/evil.png": "its name leads out of the archive",
        "a/../../evil.png": "its name leads out of the archive",
        "link.png": "is a link; only regular members are read",
        "hard.png": "is a link; only regular members are read",
        "device.png": "is a device or pipe; only regular members are read",
        "pipe.png": "is a device or pipe; only regular members are read",
        "good.png": None,
    }
    assert set(tmp_path.rglob("*")) == before


def test_a_member_that_declares_too_much_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("huge.png")
    info.size = MAX_BYTES + 1
    with (tmp_path / "a.tar").open("wb") as stream:
        stream.write(info.tobuf())
        stream.truncate(512 + MAX_BYTES + 512 + 1024)
    (candidate,) = _read(tmp_path, kind="tar", path="a.tar")
    assert candidate.refusal is not None and candidate.refusal.reason == "oversized"


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_damaged_tar_is_an_error_that_names_it(tmp_path: Path, mode: str) -> None:
    _tar(tmp_path / "a.tar", [(tarfile.TarInfo(str(n)), os.urandom(5000)) for n in range(3)], mode)
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[:8000])
    with pytest.raises(FieldguideError, match=r"a\.tar: source 's': not a tar, or damaged after member \d .*pack it"):
        _read(tmp_path, kind="tar", path="a.tar")


def test_a_tar_whose_headers_hold_no_numbers_is_an_error_that_names_it(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a.png")
    member.pax_headers = {"GNU.sparse.map": "x"}
    _tar(tmp_path / "a.tar", [(member, b"1")])
    with pytest.raises(FieldguideError, match=r"a\.tar: source 's': not a tar, or damaged"):
        _read(tmp_path, kind="tar", path="a.tar")


def test_parquet_gives_the_columns_that_params_name(tmp_path: Path) -> None:
    rows = {"img": [b"1", None], "kind": ["Anjou", None], "part": ["test", "train"], "licence": ["CC0-1.0", ""]}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    columns = {"bytes": "img", "entity": "kind", "split": "part"}
    first, second = _read(tmp_path, kind="parquet", path="a.parquet", columns=columns)
    assert first == SourceImage("00000000", "", b"1", None, "Anjou", "test", "CC0-1.0", None)
    assert second == SourceImage("00000001", "", b"", None, None, "train", None, None)


def test_parquet_of_structs_is_read_as_well(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [{"bytes": b"1", "path": "x/a.jpg"}]}), tmp_path / "a.parquet")
    (candidate,) = _read(tmp_path, kind="parquet", path="a.parquet", columns={"bytes": "image"})
    assert (candidate.key, candidate.name, candidate.data) == ("00000000", "x/a.jpg", b"1")


def test_columns_that_are_not_there_are_told_all_at_once(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [b"1"]}), tmp_path / "a.parquet")
    with pytest.raises(ProblemsError) as error:
        _read(tmp_path, kind="parquet", path="a.parquet", columns={"entity": "who", "split": "part"})
    text = str(error.value)
    assert "s.columns.entity: " in text and "has no column 'who'" in text and "has no column 'part'" in text
    assert "s.columns.bytes: is needed" in text and "has columns image" in text


def test_a_column_of_another_type_is_an_error(tmp_path: Path) -> None:
    pq.write_table(pa.table({"bytes": ["text"]}), tmp_path / "a.parquet")
    with pytest.raises(FieldguideError, match="column 'bytes' is string; expected binary"):
        _read(tmp_path, kind="parquet", path="a.parquet")


def test_a_file_that_is_no_parquet_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"no")
    with pytest.raises(FieldguideError, match=r"a\.parquet: source 's': not Parquet, or damaged"):
        _read(tmp_path, kind="parquet", path="a.parquet")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_manifest_gives_files_beside_it(tmp_path: Path, kind: str) -> None:
    write_files(tmp_path / "m", {"x/1.png": b"1", "2.png": b"2"})
    rows = {"path": ["x/1.png", "2.png"], "entity": ["Anjou", ""], "attribution": ["A, B", "C"], "key": ["one", ""]}
    if kind == "csv":
        lines = ["path,entity,attribution,key", 'x/1.png,Anjou,"A, B",one', "2.png,,C,"]
        (tmp_path / "m" / "m.csv").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    else:
        pq.write_table(pa.table(rows), tmp_path / "m" / "m.parquet")
    first, second = _read(tmp_path, kind="manifest", path=f"m/m.{kind}")
    assert first == SourceImage("one", "x/1.png", b"1", None, "Anjou", None, None, "A, B")
    assert second == SourceImage("2.png", "2.png", b"2", None, None, None, None, "C")


def test_a_manifest_does_not_lead_outside(tmp_path: Path) -> None:
    write_files(tmp_path, {"secret.png": b"1", "m/m.csv": b'path\n../secret.png\n/etc/passwd\nnowhere.png\n""\n'})
    found = [(c.data, c.refusal.detail if c.refusal else "") for c in _read(tmp_path, kind="manifest", path="m/m.csv")]
    assert found == [
        (b"", "lies outside m/, the source's folder"),
        (b"", "lies outside m/, the source's folder"),
        (b"", "no such file"),
        (b"", "the manifest gives no path"),
    ]


def test_lines_that_do_not_fit_are_told_by_number(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,entity\na.png\nb.png,x,y\n")
    with pytest.raises(ProblemsError) as error:
        _read(tmp_path, kind="manifest", path="m.csv")
    assert [problem.where.rpartition(":")[2] for problem in error.value.problems] == ["2", "3"]
    assert "does not have the 2 cells of the header" in str(error.value)


def test_a_manifest_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes("path\nKjellström.png\n".encode("latin-1"))
    with pytest.raises(FieldguideError, match=r"m\.csv:2: source 's': byte 9 of the line, 0xf6, is no UTF-8"):
        _read(tmp_path, kind="manifest", path="m.csv")


def test_sources_that_are_not_there_are_told(tmp_path: Path) -> None:
    write_files(tmp_path, {"file": b"", "folder/x": b""})
    sources = [
        ImageSource.model_validate({"name": "a", "kind": kind, "path": path})
        for kind, path in [("tar", "none"), ("folder", "file"), ("parquet", "folder"), ("folder", "folder")]
    ]
    problems = [str(problem) for problem in missing_sources(sources, tmp_path)]
    assert len(problems) == 3
    assert "ingest.sources.0.path" in problems[0] and "no such file; `make data` places" in problems[0]
    assert "source 'a' of kind `folder` needs a folder" in problems[1]
    assert "source 'a' of kind `parquet` needs a file" in problems[2]


def test_a_manifest_of_one_endless_line_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    with (tmp_path / "m.csv").open("wb") as stream:
        stream.truncate(1 << 33)
    with pytest.raises(FieldguideError, match=r"m\.csv:1: the line is longer than 1,048,576 bytes"):
        _read(tmp_path, kind="manifest", path="m.csv")
