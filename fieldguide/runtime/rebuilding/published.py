"""Finding what was published, and holding the build of the working folder against it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_text
from fieldguide.core.paths import Paths
from fieldguide.params import Params, read_params
from fieldguide.publishing.comparing.changes import differing_keys
from fieldguide.publishing.comparing.state import ReleaseState
from fieldguide.runtime.builds.own_lock import put_back
from fieldguide.runtime.builds.recovery import LOCK_FILE
from fieldguide.runtime.rebuilding.record import (
    FILES,
    FOLDER,
    BuildRecord,
    read_record,
    record_of_build,
    record_of_release,
    write_record,
)
from fieldguide.runtime.rebuilding.reproduction import Reproduction, compare_builds
from fieldguide.runtime.rebuilding.stages import Lock, only_bytes, read_lock, stage_differences
from fieldguide.runtime.states import state_of

_SHOWN = 10


def reproduction(published: str, root: Path) -> Reproduction:
    """Hold what is built in `root` against a release folder or a commit of the repository.

    Raises:
        FieldguideError: it is neither, or the commit has no record; a file is missing or damaged.
        ProblemsError: files of the build are missing.
    """
    if not published.strip():
        raise FieldguideError("an empty name: name a commit of this repository or a release folder")
    params, paths = read_params(root / "params.yaml"), Paths(root)
    lock = read_lock(read_text(root / LOCK_FILE), str(root / LOCK_FILE))
    here = record_of_build(paths, params, lock)
    if Path(published).is_dir():
        return _against_release(published, here, paths, params)
    then, record = _of_commit(published, root)
    stages = stage_differences(then, lock)
    return compare_builds(published, record, here, [out for one in stages for out in one.outputs], stages)


def put_back_lock(found: Reproduction, root: Path, compared: bytes) -> bool:
    """Put the committed dvc.lock back where the build concludes what it concludes, and nothing but bytes differs.

    Args:
        found: how the build compares with a commit.
        root: of the repository.
        compared: dvc.lock as it was when they were compared.

    Returns:
        Whether it was done: not where dvc.lock is the committed one, where `found` is no comparison with its commit,
        or where code, parameters or inputs differ.

    Raises:
        FieldguideError: a build is running, or ran meanwhile.
    """
    if found.grade == "different" or not found.stages or not only_bytes(found.stages):
        return False
    then, head = (committed(root, commit, LOCK_FILE) for commit in (found.published, "HEAD"))
    return head is not None and then == head and put_back(root, head, compared)


def record_build(root: Path) -> Path:
    """Record what is built in `root`, to be committed with its dvc.lock; the folder."""
    lock = read_lock(read_text(root / LOCK_FILE), str(root / LOCK_FILE))
    write_record(record_of_build(Paths(root), read_params(root / "params.yaml"), lock), root / FOLDER)
    return root / FOLDER


def committed(root: Path, commit: str, path: str) -> bytes | None:
    """A file of a commit as it is there; None if it is not.

    Raises:
        FieldguideError: no such commit, or no git.
    """
    try:
        named = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"]
        found = subprocess.run(named, cwd=root, capture_output=True, text=True, check=False)
        if found.returncode:
            raise FieldguideError(f"{commit}: neither a release folder nor a commit of this repository")
        shown = ["git", "show", f"{found.stdout.strip()}:./{path}"]
        file = subprocess.run(shown, cwd=root, capture_output=True, check=False)
    except (FileNotFoundError, ValueError) as error:  # no git; a NUL in the name
        raise FieldguideError(f"{commit}: git cannot be asked for it ({error})") from None
    return file.stdout if file.returncode == 0 else None


def _of_commit(commit: str, root: Path) -> tuple[Lock, BuildRecord]:
    lock = committed(root, commit, LOCK_FILE)
    if lock is None:
        raise FieldguideError(f"{commit}: has no {LOCK_FILE}; nothing was built there")
    stages = read_lock(lock.decode("utf-8", "replace"), f"{commit}:{LOCK_FILE}")
    with _record_of(commit, root) as found:
        return stages, found


@contextmanager
def _record_of(commit: str, root: Path) -> Iterator[BuildRecord]:
    """The record that is committed there; else the release that DVC gets, which has fewer numbers."""
    with tempfile.TemporaryDirectory(prefix="fieldguide-") as folder:
        for name in FILES:
            data = committed(root, commit, f"{FOLDER}/{name}")
            if data is None:
                break
            (Path(folder) / name).write_bytes(data)
        else:
            try:
                found = read_record(Path(folder))
            except FieldguideError as error:
                raise FieldguideError(str(error).replace(folder, f"{commit}:{FOLDER}")) from None
            yield found
            return
    try:
        with state_of(commit, root) as state:
            yield record_of_release(state)
    except FieldguideError as error:
        remedy = f"record builds with `fieldguide reproduce --record` and commit {FOLDER}"
        raise FieldguideError(
            f"{commit}: has no {FOLDER}; {remedy}. Its release cannot be had either ({error})"
        ) from None


def _against_release(folder: str, here: BuildRecord, paths: Paths, params: Params) -> Reproduction:
    with state_of(folder, paths.root) as state:
        state.require_whole()
        own = ReleaseState(paths.release)
        sums, ours = state.sums, own.sums
        differing = [name for name in sorted({*sums, *ours}) if sums.get(name) != ours.get(name)]
        told = [f"parameters: {key} {old} -> {new}" for key, old, new in _parameters(state.params, params)]
        library = [one.about.get("library") or {} for one in (state, own)]
        if library[0] != library[1]:
            versions = [one.get("version", "unknown") for one in library]
            said = "its files are others" if versions[0] == versions[1] else " -> ".join(versions)
            told.insert(0, f"code: fieldguide {said}")
        if differing and not told:
            told = ["code and parameters are the same: inputs, or what it ran on; a release does not record these"]
        return compare_builds(folder, record_of_release(state), here, differing, told=told)


def _parameters(published: Params, here: Params) -> list[tuple[str, str, str]]:
    one, other = (params.model_dump(mode="json") for params in (published, here))
    found = list(differing_keys(one, other))
    more = [("and", str(len(found) - _SHOWN), "more")] if len(found) > _SHOWN else []
    return found[:_SHOWN] + more
