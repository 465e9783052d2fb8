"""What is printed of an error: one line that its user can act on, whatever a file put into it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError, ending_in_words, in_words
from fieldguide.core.files import atomic_open
from tests.conftest import REPOSITORY


def test_long_values_are_cut() -> None:
    words = in_words(ProblemsError("x:", [Problem(f"place {n}", "y" * 10_000_000) for n in range(3)]))
    assert words is not None
    assert len(words) < 10_000
    assert "(10,000,0" in words
    assert in_words(FieldguideError("a\n" * 1000)) == "a\n" * 200 + "  ... and 801 lines more"


def test_passwords_and_escape_sequences_are_not_shown() -> None:
    words = in_words(FieldguideError("https://me:secret@host/v1, \x1b[2Jred\x00: no answer"))
    assert words == "https://me:***@host/v1, \\x1b[2Jred\\x00: no answer"


def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path) -> None:
    """/dev/full takes nothing, as a full disk does."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    kept = tmp_path / "kept"
    kept.write_text("before")
    with pytest.raises(OSError, match="No space left") as caught:  # noqa: SIM117
        with atomic_open(kept) as stream:
            os.dup2(os.open("/dev/full", os.O_WRONLY), stream.fileno())
            stream.write("x" * 100_000)
    words = in_words(caught.value)
    assert words is not None
    assert "No space left on device; " in words
    assert " MB are free on that disk, and what was there before is as it was" in words
    assert kept.read_text() == "before"
    assert list(tmp_path.iterdir()) == [kept]


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path) -> None:
    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "f"))
    assert in_words(error) == f"{tmp_path / 'f'}: Permission denied"
    with pytest.raises(SystemExit, match=r"^made: .*Permission denied$"), ending_in_words("made"):
        raise error


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    assert in_words(KeyError("x")) is None
    with pytest.raises(FileNotFoundError), ending_in_words("made"):
        raise FileNotFoundError(errno.ENOENT, "x")


def test_the_command_says_so_too(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes(b"\xff")
    done = subprocess.run(
        [sys.executable, "-m", "fieldguide.cli.main", "explain", "t", "i"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "fieldguide: params.yaml:1: byte 0xff is no UTF-8; save the file as UTF-8\n"
