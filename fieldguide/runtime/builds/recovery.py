"""What a killed DVC leaves behind, put right by the next build: its list of locks, and a torn dvc.lock."""

from __future__ import annotations

import json
import shutil
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
    """Put dvc.lock back as it was before the build whose DVC was killed while writing it; returns what to say of it.

    What was finished since is in DVC's run cache, which brings it back without running it again. Without the
    copy of a killed build nothing is touched: a conflict of a merge, say, is the user's to decide.

    Raises:
        FieldguideError: a DVC is running in the folder.
    """
    from dvc.exceptions import DvcException

    lock, kept = root / LOCK_FILE, _kept(root)
    if not kept.is_file():
        return None
    with repository(root) as repo, repo.lock:
        before = _stages(repo, kept)
        try:
            torn = _torn(_stages(repo, lock), before) or not lock.read_bytes().endswith(b"\n")
        except (DvcException, FileNotFoundError):
            torn = True
        if torn and before:
            kept.replace(lock)
        elif torn:
            lock.unlink(missing_ok=True)
    forget_lock_file(root)
    return "dvc.lock was torn when DVC was killed; it is as before that build again" if torn else None


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
