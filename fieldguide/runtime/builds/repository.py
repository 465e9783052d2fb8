"""DVC's repository, its complaints as ours, and that one build at a time works in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked
from fieldguide.core.paths import Paths

# What to do about DVC's complaints, by words of theirs.
_REMEDIES = {
    "dvc.lock": "; mend it, or `git checkout dvc.lock`: what was finished since that commit comes from DVC's run cache",
    "is not a git repository": ", and DVC works in one: `git init` (a release names the commit that it was built from)",
}


@contextlib.contextmanager
def repository(root: Path) -> Iterator[Any]:
    """The DVC repository of a folder.

    Raises:
        FieldguideError: DVC cannot read it; DVC's own words.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            yield repo
    except DvcException as error:
        remedy = next((remedy for words, remedy in _REMEDIES.items() if words in str(error)), "")
        raise FieldguideError(f"dvc: {error}{remedy}") from None


def one_build(root: Path) -> contextlib.AbstractContextManager[None]:
    """Held by whoever builds; nobody waits for it.

    Raises:
        FieldguideError: somebody else holds it.
    """
    busy = "another build of this folder is running; wait for it or end it"
    return locked(Paths(root).state / "locks" / "build.lock", wait=False, busy=busy)
