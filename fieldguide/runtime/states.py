"""Where a state of a benchmark lies: in a release folder, a benchmark's folder, or a commit of this repository."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.publishing.comparing.state import ReleaseState
from fieldguide.publishing.release.layout import ABOUT


@contextmanager
def state_of(place: str, root: Path = Path()) -> Iterator[ReleaseState]:
    """The release that `place` names: a release folder, a benchmark's folder that holds one, or a commit of `root`.

    Of a commit, DVC gets the release from its cache or a remote into a temporary folder, which goes with the context.

    Raises:
        FieldguideError: it is none of these, or DVC has the commit's release nowhere.
    """
    if not place.strip():
        raise FieldguideError("an empty name: name a release's folder, a benchmark's folder, or a commit")
    folder = Path(place)
    if folder.is_dir():
        below = Paths(folder).release
        yield ReleaseState(folder if (folder / ABOUT).exists() or not below.is_dir() else below, place)
        return
    with tempfile.TemporaryDirectory(prefix="fieldguide-") as got:
        yield ReleaseState(_from_commit(place, root, Path(got) / "release"), place)


def _from_commit(commit: str, root: Path, to: Path) -> Path:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc_data.index import DataIndexDirError
    from scmrepo.exceptions import SCMError

    logging.getLogger("dvc").setLevel(logging.ERROR)
    release = Paths(root).release.relative_to(root).as_posix()
    try:
        Repo.get(str(root), release, out=str(to), rev=commit)
    except (DvcException, SCMError, DataIndexDirError, OSError) as error:
        raise FieldguideError(
            f"{commit}: is no folder here, and as a commit it has no {release} that DVC could get ({error}); "
            "give a release's folder, a benchmark's folder, or a commit whose outputs are in DVC's cache or a remote"
        ) from None
    return to
