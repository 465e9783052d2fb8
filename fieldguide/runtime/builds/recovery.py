"""What a killed DVC leaves behind, put right by the next build: its list of locks, and a torn dvc.lock."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_path
from fieldguide.core.paths import Paths
from fieldguide.runtime.builds.repository import repository

LOCK_FILE = "dvc.lock"


def remove_torn_rwlock(root: Path) -> None:
    """Remove DVC's list of who reads and writes what (`rwlock`) where a killed DVC left it empty or cut off.

    DVC itself forgets dead processes on the list, but does not start while it cannot read it. Whoever writes the list
    holds the guard, which ends with its process: a list that is torn while nobody holds it stays torn.

    Raises:
        FieldguideError: a DVC holds the guard for long.
    """
    from dvc.lock import LockError, make_lock
    from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK, SCHEMA
    from voluptuous import Invalid  # DVC's own dependency

    tmp = root / ".dvc" / "tmp"
    path = tmp / RWLOCK_FILE
    if not path.exists():
        return
    try:
        with make_lock(str(tmp / RWLOCK_LOCK), tmp_dir=str(tmp)):
            try:
                SCHEMA(json.loads(path.read_bytes()))
            except (ValueError, RecursionError, Invalid):
                path.unlink()
    except LockError as error:
        raise FieldguideError(f"dvc: {error}") from None


def _kept(root: Path) -> Path:
    return Paths(root).state / "dvc.lock.before"


def keep_lock_file(root: Path) -> None:
    """Copy dvc.lock before DVC runs, which writes it in place. An empty copy stands for a file that is not there."""
    lock = root / LOCK_FILE
    with atomic_path(_kept(root)) as copy:
        if lock.is_file():
            shutil.copyfile(lock, copy)
        else:
            copy.touch()


def forget_lock_file(root: Path) -> None:
    """Remove the copy: DVC ended by itself, and dvc.lock is whole."""
    _kept(root).unlink(missing_ok=True)


def mend_lock_file(root: Path) -> str | None:
    """Bring back a whole dvc.lock where DVC was killed while writing it; returns what to say of it.

    After a killed build it is as before that build. After a bare `dvc repro` there is no copy: a file that is cut off
    (DVC ends it with a line feed, so do editors and merges) becomes the committed one. What was finished since is in
    DVC's run cache, which brings it back without running it again. Whatever else is wrong in the file is the user's to
    decide: a conflict of a merge, say.

    Raises:
        FieldguideError: a DVC is running in the folder.
    """
    lock, kept = root / LOCK_FILE, _kept(root)
    if not kept.is_file() and not _cut_off(lock):
        return None
    with repository(root) as repo, repo.lock:
        after_build = kept.is_file()
        torn = _cut_off(lock) or (after_build and _lacks(repo, lock, kept))
        if torn:
            _bring_back(lock, kept.read_bytes() if after_build else _committed(root))
    forget_lock_file(root)
    whole = "it is as before that build again" if after_build else "it is the committed one again"
    return f"dvc.lock was torn when DVC was killed; {whole}" if torn else None


def _cut_off(lock: Path) -> bool:
    return lock.is_file() and not lock.read_bytes().endswith(b"\n")


def _bring_back(lock: Path, content: bytes) -> None:
    if not content:
        lock.unlink(missing_ok=True)
        return
    with atomic_path(lock) as new:
        new.write_bytes(content)


def _committed(root: Path) -> bytes:
    """dvc.lock as it is committed; empty where it is not, or there is no git."""
    with contextlib.suppress(FileNotFoundError):
        command = ["git", "show", f"HEAD:./{LOCK_FILE}"]
        return subprocess.run(command, cwd=root, capture_output=True, check=False).stdout
    return b""


def _lacks(repo: Any, lock: Path, kept: Path) -> bool:
    from dvc.exceptions import DvcException

    try:
        return _torn(_stages(repo, lock), _stages(repo, kept))
    except (DvcException, FileNotFoundError):
        return True


def _stages(repo: Any, path: Path) -> dict[str, Any]:
    """The stages of a lock file; none if it is empty, as DVC leaves it for a moment."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.strictyaml import load

    text = path.read_text(encoding="utf-8")
    return load(str(path), COMPILED_LOCKFILE_SCHEMA, repo.fs)[0].get("stages", {}) if text else {}


def _torn(now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether stages are missing, or the last one of the file lacks something: a cut file may be valid YAML."""
    if not before.keys() <= now.keys():
        return True
    last = next(reversed(now), "")
    return last in before and _shape(now[last]) != _shape(before[last])


def _shape(stage: dict[str, Any]) -> dict[str, list[list[str]]]:
    """The keys of everything that a stage of a lock file lists."""
    lists = {key: value for key, value in stage.items() if isinstance(value, list)}
    return {key: [sorted(entry) for entry in value] for key, value in lists.items()}
