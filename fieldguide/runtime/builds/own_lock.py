"""dvc.lock on a machine whose last bits are others than those of the machine that published the benchmark.

DVC writes the hashes of its own outputs into dvc.lock. Where nothing else differs, the committed file is put back, so
that nothing is left to commit, and this machine's own is kept aside, by the committed one that it stands for: a later
build takes it up and runs nothing again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_path, sha256_bytes
from fieldguide.core.paths import Paths
from fieldguide.runtime.builds.recovery import LOCK_FILE
from fieldguide.runtime.builds.repository import one_build

_LOOKS = 50
"""Tenths of a second."""


def put_back(root: Path, committed: bytes, own: bytes) -> bool:
    """Make `committed` the content of dvc.lock, and keep this machine's `own`; False if it is that already.

    Raises:
        FieldguideError: a build is running, or dvc.lock is neither of them: a build ran meanwhile.
    """
    with one_build(root):
        now = _content(root)
        if now == committed:
            return False
        if now != own:
            raise FieldguideError(f"{LOCK_FILE} was changed meanwhile; it is left as it is")
        _replace(_kept(root, committed), own)
        _replace(root / LOCK_FILE, committed)
    return True


def take_up(root: Path) -> None:
    """Make this machine's own dvc.lock the one that lies there, if one is kept for it.

    Raises:
        FieldguideError: a build is running.
    """
    kept = _kept(root, _content(root))
    if kept.is_file():
        with one_build(root):
            _replace(root / LOCK_FILE, kept.read_bytes())


@contextmanager
def seen_by_own_lock(root: Path) -> Iterator[None]:
    """As `own_lock`, for who only looks. A build that runs has taken its own up, which is waited for.

    Raises:
        FieldguideError: somebody else holds the build, and does not take it up.
    """
    with ExitStack() as stack:
        for left in reversed(range(_LOOKS)):
            if not _kept(root, _content(root)).is_file():
                break
            try:
                stack.enter_context(one_build(root))
                stack.enter_context(own_lock(root))
                break
            except FieldguideError:
                if not left:
                    raise
                time.sleep(0.1)
        yield


@contextmanager
def own_lock(root: Path) -> Iterator[None]:
    """While it lasts, dvc.lock is this machine's own, if one is kept for it; afterwards as before, unless it changed.

    Whoever uses it holds `one_build`.
    """
    lock = root / LOCK_FILE
    before = _content(root)
    kept = _kept(root, before)
    if not kept.is_file():
        yield
        return
    own = kept.read_bytes()
    _replace(lock, own)
    try:
        yield
    finally:
        if lock.is_file() and lock.read_bytes() == own:
            _replace(lock, before)


def _content(root: Path) -> bytes:
    lock = root / LOCK_FILE
    return lock.read_bytes() if lock.is_file() else b""


def _kept(root: Path, committed: bytes) -> Path:
    return Paths(root).state / "own-locks" / f"{sha256_bytes(committed)}.lock"


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as new:
        new.write_bytes(content)
