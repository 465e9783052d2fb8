"""Samples of WebDatasets: what makes one, its labels, where it may be cut, and why one gives no photograph."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.sources import archives, parts
from fieldguide.corpus.sources.candidates import SourceImage
from fieldguide.corpus.sources.reading import list_source, part_key, read_part, read_source, split_source
from fieldguide.corpus.sources.section import ImageSource

Members = list[tuple[str, bytes]]


def webdataset(**values: Any) -> ImageSource:
    return ImageSource.model_validate({"name": "s", "kind": "webdataset", "path": "s.tar", **values})


def packed(root: Path, members: Members, format_: int = tarfile.USTAR_FORMAT, name: str = "s.tar") -> None:
    with tarfile.open(root / name, "w", format=format_) as tar:
        for member, data in members:
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def read(root: Path, members: Members, **values: Any) -> list[SourceImage]:
    packed(root, members)
    return list(read_source(webdataset(**values), root))


def refusal(root: Path, members: Members, **values: Any) -> str:
    """Why the only sample gives no photograph."""
    (image,) = read(root, members, **values)
    assert image.refusal is not None and image.refusal.reason == "unreadable" and image.data == b""
    return image.refusal.detail


def test_members_of_one_name_are_a_sample(tmp_path: Path) -> None:
    labels = {"entity": "Herring Gull", "license": "CC0-1.0", "attribution": None, "width": 3, "split": "train"}
    members = [
        ("a/0.JPG", b"0"), ("a/0.json", json.dumps(labels).encode()), ("a/0.seg.png", b"no photograph"),
        ("a/1.cls", b"12\n"), ("a/1.webp", b"1"), ("b.1/1.png", b"2"),
    ]  # fmt: skip
    first, second, third = read(tmp_path, members)
    assert first == SourceImage("a/0", "a/0.JPG", b"0", None, "Herring Gull", "train", "CC0-1.0", None)
    assert second == SourceImage("a/1", "a/1.webp", b"1")  # .cls is a label where columns.entity says so
    assert third == SourceImage("b.1/1", "b.1/1.png", b"2")  # the first dot of the file's name, not of its folder's
    assert list(list_source(webdataset(), tmp_path)) == []


def test_columns_name_keys_and_members(tmp_path: Path) -> None:
    told = {"species": {"x": 1}, "class": 3.0, "id": 7, "who": " A. Nonymous ", "licence": "NA"}
    members = [
        ("0.jpg", b"0"),
        ("0.thumb.jpg", b"t"),
        ("0.json", json.dumps(told).encode()),
        ("0.txt", "Möwe\n".encode()),
    ]
    columns = {"entity": ".TXT", "key": "id", "attribution": "who", "bytes": ".thumb.jpg"}
    assert read(tmp_path, members, columns=columns) == [
        SourceImage("7", "0.thumb.jpg", b"t", None, "Möwe", None, None, "A. Nonymous")
    ]
    assert read(tmp_path, members, columns={"entity": "class"})[0].entity == "3"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("0.json", b"{}")], "the sample has no photograph (.jpg, .jpeg, .png, .webp)"),
        ([("0", b"x")], "has no photograph"),
        ([("0.jpg", b"x"), ("0.png", b"y")], "has two photographs, 0.jpg and 0.png; name one by its extension"),
        ([("0.jpg", b"x"), ("0.jpg", b"y")], "has two photographs, 0.jpg and 0.jpg"),
        ([("0.jpg", b"x"), ("0.json", b"{")], "its .json is not valid JSON"),
        ([("0.jpg", b"x"), ("0.json", b"[" * 100_000)], "is nested too deeply"),
        ([("0.jpg", b"x"), ("0.json", b'{"entity": ' + b"9" * 5000 + b"}")], "is not valid JSON"),
        ([("0.jpg", b"x"), ("0.json", b"[]")], "its .json is a list; expected an object"),
        ([("0.jpg", b"x"), ("0.json", b"\xff")], "byte 1 of its .json is no UTF-8"),
        ([("0.jpg", b"x"), ("0.json", b"{}"), ("0.json", b"{}")], "its .json occurs twice"),
        ([("0.jpg", b"x"), ("0.json", b" " * (1 << 20) + b"{}")], "its .json has 1048578 bytes; at most 1048576"),
        ([("0.jpg", b"x"), ("0.json", b'{"entity": ["a"]}')], "'entity' of its .json is a list; expected text"),
        ([("0.jpg", b"x"), ("0.json", b'{"entity": true}')], "'entity' of its .json is a bool"),
        ([("0.jpg", b"x"), ("0.json", b'{"entity": "\\ud800"}')], "'entity' of its .json is no Unicode text"),
    ],
)  # fmt: skip
def test_a_sample_that_gives_no_photograph_says_why(tmp_path: Path, members: Members, words: str) -> None:
    assert words in refusal(tmp_path, members)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"entity": "species"}, "has no .json with the key 'species', which columns.entity names"),
        ({"entity": ".cls"}, "has no .cls, which params.yaml names"),
        ({"bytes": ".left.jpg"}, "has no photograph (.left.jpg)"),
    ],
)
def test_labels_that_params_name_and_a_sample_lacks_are_told(
    tmp_path: Path, columns: dict[str, str], words: str
) -> None:
    assert words in refusal(tmp_path, [("0.jpg", b"x"), ("0.json", b'{"entity": "a"}')], columns=columns)


def test_members_that_lead_out_links_and_leftovers_are_refused_beside_their_sample(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        for name in ("0.jpg", "._0.json", "0.json", "../1.jpg", "/2.jpg", "d", "3.jpg"):
            info = tarfile.TarInfo(name)
            info.size = 2
            if name == "d":
                info.type, info.size = tarfile.DIRTYPE, 0
            if name == "3.jpg":
                info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc/passwd", 0
            tar.addfile(info, io.BytesIO(b"{}"))
    found = {one.key: one.refusal.detail if one.refusal else one.data for one in read_source(webdataset(), tmp_path)}
    assert found == {
        "0": b"{}", "._0.json": "._0.json: what a program left there, or hidden", "3": found["3"],
        "../1.jpg": "its name leads out of the archive", "/2.jpg": "its name leads out of the archive",
    }  # fmt: skip
    assert found["3"] == "is a link; only regular members are read"


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("folder", ["", "folder/", "very-long/" * 12, "ä/"])
def test_no_sample_is_cut_between_two_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: int, folder: str
) -> None:
    monkeypatch.setattr(parts, "_CANDIDATES", 2)
    names = ("{0}.cls", "._{0}.jpg", "{0}.jpg", "._{0}.json", "{0}.json", "{0}.seg.png")
    packed(tmp_path, [(folder + name.format(n), b"{}") for n in range(60) for name in names], format_)
    cut = list(split_source(webdataset(), tmp_path))
    found = [one for part in cut for one in read_part(pickle.loads(pickle.dumps(part)), tmp_path)]
    assert [one.key for one in found if one.refusal is None] == [f"{folder}{n}" for n in range(60)] and len(cut) > 8
    assert [one.refusal.reason for one in found if one.refusal] == ["leftover"] * 120


def test_one_sample_more_changes_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_CANDIDATES", 4)

    def keys(numbers: list[int]) -> set[str]:
        packed(tmp_path, [(f"{n:03}.{ext}", b"{}") for n in numbers for ext in ("jpg", "json")])
        return {part_key(part, tmp_path) for part in split_source(webdataset(), tmp_path)}

    before, after = keys([*range(50), *range(51, 100)]), keys([*range(100)])
    assert len(before) > 10 and 1 <= len(after - before) <= 2


def test_other_columns_are_another_key(tmp_path: Path) -> None:
    packed(tmp_path, [("0.jpg", b"x"), ("0.cls", b"1")])
    sources = [webdataset(), webdataset(columns={"entity": ".cls"})]
    assert len({part_key(part, tmp_path) for source in sources for part in split_source(source, tmp_path)}) == 2


def test_many_tars_and_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    for tar in ("00", "01"):
        packed(tmp_path, [("0.jpg", b"0"), ("0.cls", tar.encode())], name=f"t/{tar}.tar")
    source = webdataset(path="t/{00..01}.tar", columns={"entity": ".cls"})
    assert [(one.key, one.entity) for one in read_source(source, tmp_path)] == [("00.tar/0", "00"), ("01.tar/0", "01")]
    (tmp_path / "t/01.tar").write_bytes(b"x" * 2000)
    with pytest.raises(FieldguideError, match=r"01\.tar: source 's': not a tar, or damaged"):
        list(read_source(source, tmp_path))


def test_a_sample_without_end_takes_no_memory(tmp_path: Path) -> None:
    members = [("0.jpg", b"x")] * 3000 + [(f"0.{n}", b"x") for n in range(3000)]
    assert "has two photographs" in refusal(tmp_path, members)


@pytest.mark.parametrize("record", [b"99999 path=", b"0 path=", b"11 path=\n", b"path", b"9999999 path="])
def test_an_extended_header_of_nonsense_stops_nobody(tmp_path: Path, record: bytes) -> None:
    packed(tmp_path, [("ä" * 60 + f"{n}.jpg", b"x") for n in range(3)], tarfile.PAX_FORMAT)
    data = (tmp_path / "s.tar").read_bytes()
    place = data.index(b" path=") - 3
    (tmp_path / "s.tar").write_bytes(data[:place] + record.ljust(16, b"x") + data[place + 16 :])
    assert len(list(archives._members(tmp_path / "s.tar"))) == 3
    with contextlib.suppress(FieldguideError):
        list(read_source(webdataset(), tmp_path))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"path": "file"}, "columns.path: a webdataset has none"),
        ({"bytes": "jpg"}, "names the photograph by its extension, as `.jpg`"),
    ],
)
def test_columns_that_a_webdataset_cannot_have_are_refused(columns: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        webdataset(columns=columns)
