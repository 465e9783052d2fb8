"""Archives of strangers: nothing leads out of them, nothing blows up, whatever they say of themselves."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError
from fieldguide.corpus.store.pixels import MAX_BYTES
from fieldguide.publishing.release.sources.archives import read_zip, take_out

LIMIT = 1 << 20


def zipped(path: Path, write: Callable[[zipfile.ZipFile], object]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        write(archive)
    return path


def _linked(archive: zipfile.ZipFile) -> None:
    link = zipfile.ZipInfo("a.png")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(link, "/etc/passwd")


HOSTILE: dict[str, tuple[Callable[[zipfile.ZipFile], object], str]] = {
    "up": (lambda z: z.writestr("../a.png", b"x"), "its name leads out of the archive"),
    "root": (lambda z: z.writestr("/etc/a.png", b"x"), "its name leads out of the archive"),
    "backslash": (lambda z: z.writestr("..\\a.png", b"x"), "its name leads out of the archive"),
    "link": (_linked, "is a link; only regular members are read"),
    "way of packing": (
        lambda z: z.writestr("a.png", b"x", zipfile.ZIP_LZMA),
        "is neither stored nor deflated: other ways cannot be read in bounded memory",
    ),
    "leftover": (lambda z: z.writestr("__MACOSX/a.png", b"x"), "__MACOSX: what a program left there, or hidden"),
    "bomb": (
        lambda z: z.writestr("a.png", bytes(MAX_BYTES + 1), zipfile.ZIP_DEFLATED),
        f"{MAX_BYTES + 1} bytes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_refused_and_the_others_are_read(name: str, tmp_path: Path) -> None:
    write, words = HOSTILE[name]
    path = zipped(tmp_path / "a.zip", write)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("good.png", b"good")
    hostile, good = read_zip(path)
    assert hostile.refusal is not None and words in hostile.refusal.detail and hostile.data == b""
    assert (good.key, good.data, good.refusal) == ("good.png", b"good", None)


def test_a_size_that_is_a_lie_is_not_believed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", lambda z: z.writestr("a.png", bytes(1 << 22), zipfile.ZIP_DEFLATED))
    data = path.read_bytes()
    path.write_bytes(data.replace((1 << 22).to_bytes(4, "little"), (5).to_bytes(4, "little")))
    (only,) = read_zip(path)
    assert only.refusal is not None and only.refusal.detail.startswith("damaged in the zip")
    with pytest.raises(FieldguideError):
        take_out(path, "a.png", tmp_path / "out", LIMIT)
    assert not (tmp_path / "out").exists()


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", lambda z: z.writestr("a.png", b"x"))
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    path.write_bytes(data)
    (only,) = read_zip(path)
    assert only.refusal is not None and only.refusal.detail == "is encrypted"


def tarred(path: Path, *members: tarfile.TarInfo, data: bytes = b"") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = len(data) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(data))
    return path


def _link(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


def test_one_file_is_taken_out_and_written_where_we_say(tmp_path: Path) -> None:
    for path in (
        zipped(tmp_path / "a.zip", lambda z: z.writestr("in/a.parquet", b"table")),
        tarred(tmp_path / "a.tar.gz", tarfile.TarInfo("./in/a.parquet"), data=b"table"),
    ):
        take_out(path, "in/a.parquet", tmp_path / "out", LIMIT)
        assert (tmp_path / "out").read_bytes() == b"table"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: tarred(p, _link("a")), "is no regular file; links and devices are not followed"),
        (lambda p: zipped(p, _linked_as_a), "is a link"),
        (lambda p: tarred(p, tarfile.TarInfo("b")), "has no file 'a'"),
        (lambda p: zipped(p, lambda z: z.writestr("b", b"")), "has no file 'a'"),
        (lambda p: zipped(p, lambda z: z.writestr("a", bytes(LIMIT + 1), zipfile.ZIP_DEFLATED)), "is larger than"),
        (lambda p: tarred(p, tarfile.TarInfo("a"), data=bytes(LIMIT + 1)), "is larger than"),
        (lambda p: tarred(p, tarfile.TarInfo("bomb"), tarfile.TarInfo("a"), data=bytes(LIMIT)), "holds more than"),
        (lambda p: p.write_bytes(b"nothing") and p, "is no zip or tar, or damaged"),
    ],
)
def test_what_cannot_be_taken_out_is_told(make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    path = make(tmp_path / "archive")
    with pytest.raises(FieldguideError, match=words):
        take_out(path, "a", tmp_path / "out", LIMIT)
    assert [found.name for found in tmp_path.iterdir()] == ["archive"]


def _linked_as_a(archive: zipfile.ZipFile) -> None:
    link = zipfile.ZipInfo("a")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    archive.writestr(link, "/etc/passwd")


def test_a_member_without_a_name_is_words_or_bytes(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", lambda z: z.writestr("a/b.png", b"abc"))
    path.write_bytes(path.read_bytes().replace(b"a/b.png", b"\0/b.png"))  # zipfile ends names at a NUL
    assert [one.key for one in read_zip(path)] == [""]


@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_byte_changed_anywhere_gives_words_or_bytes(tmp_path: Path, place: float, byte: int) -> None:
    path = zipped(tmp_path / "a.zip", lambda z: z.writestr("a/b.png", b"abc" * 99, zipfile.ZIP_DEFLATED))
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] = byte
    path.write_bytes(data)
    try:
        found = list(read_zip(path))
        take_out(path, "a/b.png", tmp_path / "out", LIMIT)
    except FieldguideError:
        return
    assert all(one.refusal or one.data for one in found)
