"""DVC's repository, its complaints as ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError


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
        raise FieldguideError(f"dvc: {error}") from None
