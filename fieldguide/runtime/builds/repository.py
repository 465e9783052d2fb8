"""DVC's repository, its complaints as ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError

_REMEDY = ". Mend it, or bring back the committed one (`git checkout dvc.lock`): what was finished since comes from DVC's cache"


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
        raise FieldguideError(f"dvc: {error}{_REMEDY if 'dvc.lock' in str(error) else ''}") from None
