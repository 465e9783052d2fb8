"""Files are written whole or not at all, and the same content gives the same bytes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core import files
from fieldguide.core.errors import FieldguideError, in_words


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ValueError, match="half-way"), files.atomic_open(path) as stream:
        stream.write("new")
        raise ValueError("half-way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    for text in ("old", "new"):
        with files.atomic_directory(target) as folder:
            (folder / text).write_text(text)
    with pytest.raises(ValueError, match="half-way"), files.atomic_directory(target) as folder:
        (folder / "other").write_text("x")
        raise ValueError("half-way")
    assert [p.name for p in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_writer_left_is_swept_by_the_next_and_a_living_ones_is_not(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom fieldguide.core import files\n"
        "with files.atomic_open(Path(sys.argv[1])) as stream, files.atomic_directory(Path(sys.argv[2])):\n"
        "    stream.write('half')\n    stream.flush()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path, folder = tmp_path / "a.txt", tmp_path / "b"
    done = subprocess.run([sys.executable, "-c", code, str(path), str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    living = tmp_path / f".a.txt.{os.getppid()}.tmp"
    living.write_text("another process is at it")
    with files.atomic_open(path) as stream, files.atomic_directory(folder):
        stream.write("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["a.txt", "b", living.name])


def test_threads_that_write_one_file_at_once_leave_it_whole(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def write(text: str) -> None:
        with files.atomic_open(tmp_path / "a.txt") as stream:
            together.wait()
            stream.write(text * 1000)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, "abcdefgh"))
    text = (tmp_path / "a.txt").read_text()
    assert text == text[0] * 1000
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@given(st.dictionaries(st.text("abc", min_size=1, max_size=9), st.binary(max_size=2000), max_size=8))
def test_tars_are_canonical_and_members_are_where_the_index_says(
    tmp_path_factory: pytest.TempPathFactory, members: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("tar")
    placed = files.write_tar(folder / "a.tar", sorted(members.items()))
    files.write_tar(folder / "b.tar", sorted(members.items()))
    assert (folder / "a.tar").read_bytes() == (folder / "b.tar").read_bytes()
    assert {m.name: files.read_member(folder / "a.tar", m.offset, m.size) for m in placed} == members
    with tarfile.open(folder / "a.tar") as tar:
        assert tar.getnames() == sorted(members)


def test_a_damaged_or_missing_shard_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"short")
    with pytest.raises(FieldguideError, match=r"a.tar: shard ends before byte 20; it is damaged, run `dvc checkout`"):
        files.read_member(tmp_path / "a.tar", 10, 10)
    with pytest.raises(FieldguideError, match=r"b.tar: shard is missing"):
        files.read_member(tmp_path / "b.tar", 0, 1)


def test_keys_depend_on_content_and_not_on_order() -> None:
    assert files.content_key(a=1, b=[2, "x"]) == files.content_key(b=[2, "x"], a=1)
    assert files.content_key(a=1) != files.content_key(a="1")
    with pytest.raises(ValueError, match="Out of range float"):
        files.content_key(a=float("nan"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"b": \n', r"rows.jsonl:2: not valid JSON"),
        ("[1]\n", r"rows.jsonl:1: expected a JSON object, found list"),
    ],
)
def test_bad_jsonl_names_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "rows.jsonl").write_text(text)
    with pytest.raises(FieldguideError, match=message):
        list(files.read_jsonl(tmp_path / "rows.jsonl"))


def test_a_held_lock_is_told_or_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / "stage.lock"
    refused = pytest.raises(FieldguideError, match="held by another process")
    with files.locked(lock), refused, files.locked(lock, wait=False):
        pass
    with files.locked(lock, wait=False):
        pass


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG])
def test_a_disk_that_is_full_is_told_with_the_file_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    path = tmp_path / "made.txt"
    path.write_text("before")
    with pytest.raises(OSError) as caught, files.atomic_open(path) as stream:
        stream.write("a part")
        raise OSError(number, os.strerror(number))  # as write() raises it, without a name
    assert str(in_words(caught.value)).startswith(f"{path}: {os.strerror(number)}")
    assert [file.name for file in tmp_path.iterdir()] == ["made.txt"]
    assert path.read_text() == "before"
