"""Where DVC and git-annex keep the files of a repository: links that lead there are the repository's own."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path


@lru_cache
def stores(root: Path) -> tuple[Path, ...]:
    """The folders of DVC's cache (`cache.type symlink`) and of git-annex, of the repository whose root this is."""
    return tuple(path.resolve() for path in (_dvc_cache(root), root / ".git" / "annex") if path is not None)


def is_own_link(link: Path, root: Path) -> bool:
    """Whether a link leads into one of the repository's stores."""
    try:
        real = link.resolve()
    except (OSError, RuntimeError):  # a loop
        return False
    return any(real.is_relative_to(store) for store in stores(root))


def repository_of(folder: Path) -> Path:
    """The nearest folder above (or itself) that is a repository; the folder itself where there is none."""
    above = [folder.absolute(), *folder.absolute().parents]
    return next((path for path in above if (path / ".dvc").is_dir() or (path / ".git").exists()), folder)


def _dvc_cache(root: Path) -> Path | None:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            return Path(repo.cache.local_cache_dir)
    except (DvcException, OSError):
        return None
