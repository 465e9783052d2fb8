"""What a killed DVC leaves: a build puts it right, and touches nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.runtime.builds.recovery import forget_lock_file, keep_lock_file, mend_lock_file, remove_torn_rwlock
from fieldguide.runtime.builds.repro import stage_names

AUTHOR = ("-c", "user.name=x", "-c", "user.email=x@example.org")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A DVC repository of three stages, built."""
    stages = {f"s{n}": {"cmd": f"echo {n} > {n}.txt", "outs": [f"{n}.txt"]} for n in range(3)}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    _dvc(tmp_path, "init", "--no-scm", "-q")
    _dvc(tmp_path, "repro", "-q")
    return tmp_path


def _dvc(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=folder, check=True, capture_output=True)


def _rwlock(site: Path, process: int) -> str:
    entry = {"pid": process, "cmd": "dvc repro"}
    return json.dumps({"write": {str(site / "1.txt"): entry}, "read": {str(site / "0.txt"): [entry]}})


def test_a_list_of_locks_that_was_torn_anywhere_is_removed_and_dvc_starts_again(site: Path) -> None:
    path = site / ".dvc" / "tmp" / "rwlock"
    whole = _rwlock(site, os.getpid())
    for torn in (*(whole[:length] for length in range(0, len(whole), 9)), "[]", '{"write": {"a": 1}}', "[" * 10_000):
        path.write_text(torn)
        remove_torn_rwlock(site)
        assert not path.exists(), torn
    path.write_bytes(b"\xff\xfe")
    remove_torn_rwlock(site)
    _dvc(site, "repro", "-q", "--force")


def test_a_whole_list_is_dvcs_own_matter(site: Path) -> None:
    """It forgets dead processes, and waits for living ones."""
    path = site / ".dvc" / "tmp" / "rwlock"
    dead = subprocess.Popen(["true"])
    dead.wait()
    path.write_text(_rwlock(site, dead.pid))
    remove_torn_rwlock(site)
    assert path.exists()
    _dvc(site, "repro", "-q", "--force")
    path.write_text(_rwlock(site, os.getpid()))
    remove_torn_rwlock(site)
    with pytest.raises(subprocess.CalledProcessError):
        _dvc(site, "repro", "-q", "--force")
    remove_torn_rwlock(site.parent)  # where there is none


def test_a_lock_file_torn_anywhere_is_as_before_the_build_again(site: Path) -> None:
    lock = site / "dvc.lock"
    whole = lock.read_bytes()
    for length in range(0, len(whole) - 1, 7):
        keep_lock_file(site)
        lock.write_bytes(whole[:length])
        told = mend_lock_file(site)
        assert lock.read_bytes() == whole, length
        assert told is not None, length
        assert "torn" in told
        assert mend_lock_file(site) is None
    _dvc(site, "repro", "-q")
    assert lock.read_bytes() == whole


def test_what_is_whole_is_left_alone_even_when_dvc_was_killed(site: Path) -> None:
    lock = site / "dvc.lock"
    keep_lock_file(site)
    newer = lock.read_text().replace("cmd: echo 2 > 2.txt", "cmd: echo 3 > 2.txt")
    lock.write_text(newer)
    assert mend_lock_file(site) is None
    assert lock.read_text() == newer


@pytest.mark.parametrize("committed", [True, False])
def test_cut_off_by_a_bare_repro_it_is_the_committed_one_again(site: Path, committed: bool) -> None:
    lock = site / "dvc.lock"
    whole = lock.read_bytes()
    if committed:
        for command in (["init", "-q"], ["add", "dvc.lock"], [*AUTHOR, "commit", "-qm", "x"]):
            subprocess.run(["git", *command], cwd=site, check=True)
    for length in range(0, len(whole) - 1, 7):
        if whole[:length].endswith(b"\n"):
            continue
        lock.write_bytes(whole[:length])
        assert mend_lock_file(site) == "dvc.lock was torn when DVC was killed; it is the committed one again"
        assert (lock.read_bytes() if lock.exists() else None) == (whole if committed else None), length
    assert mend_lock_file(site) is None
    _dvc(site, "repro", "-q")
    assert lock.read_bytes() == whole


def test_a_lock_file_that_cannot_be_read_is_told_with_what_to_do(site: Path) -> None:
    lock = site / "dvc.lock"
    lock.write_text("<<<<<<< ours\n" + lock.read_text())
    with pytest.raises(FieldguideError, match=r"(?s)dvc\.lock.*git checkout dvc\.lock"):
        stage_names(site)


def test_without_git_it_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").touch()
    with pytest.raises(FieldguideError, match=r"is not a git repository, .*`git init`"):
        stage_names(tmp_path)


def test_without_a_killed_build_a_broken_lock_file_is_the_users(site: Path) -> None:
    lock = site / "dvc.lock"
    keep_lock_file(site)
    forget_lock_file(site)
    conflict = "<<<<<<< ours\n" + lock.read_text()
    lock.write_text(conflict)
    assert mend_lock_file(site) is None
    assert lock.read_text() == conflict


def test_where_there_was_none_a_torn_one_goes(site: Path) -> None:
    lock = site / "dvc.lock"
    whole = lock.read_bytes()
    lock.unlink()
    keep_lock_file(site)
    lock.write_bytes(whole[:100])
    assert mend_lock_file(site) is not None
    assert not lock.exists()
    _dvc(site, "repro", "-q")
    assert lock.read_bytes() == whole


def test_a_running_dvc_may_be_writing_and_is_not_disturbed(site: Path) -> None:
    keep_lock_file(site)
    (site / "dvc.lock").write_text("schema: '2.0'\nstages:\n")
    code = (
        "import sys\nfrom dvc.repo import Repo\nwith Repo().lock:\n    print('held', flush=True)\n    sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=site, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(FieldguideError, match="lock"):
            mend_lock_file(site)
        assert Paths(site).state.joinpath("dvc.lock.before").exists()
        holder.communicate()
    assert mend_lock_file(site) is not None
