"""A folder of this machine or of a mounted disk."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_directory, open_input, sha256_file
from fieldguide.publishing.release.publish.destinations.destination import DestinationError
from fieldguide.publishing.release.publish.files import ReleaseFile


class FolderDestination:
    """A folder that is copied whole, beside what is there, and takes its place at the end."""

    note = "a folder is copied whole and appears at once"

    def __init__(self, release: Path, folder: Path) -> None:
        """Refuse what is no folder, and folders that lie in each other: copying would eat its own tail."""
        self.release, self.folder = release.resolve(), folder.resolve()
        self.title = str(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise DestinationError(f"{folder}: is no folder")
        if os.path.ismount(self.folder):  # it cannot be replaced at once
            raise DestinationError(f"{folder}: is where a disk is mounted; name a folder on it")
        if self.folder.is_relative_to(self.release) or self.release.is_relative_to(self.folder):
            raise DestinationError(f"{folder}: lies in the release or holds it; name a folder apart from {release}")

    def names(self) -> list[str]:
        """Files that lie there; links and empty folders too."""
        there = (p for p in self.folder.rglob("*") if p.is_symlink() or not p.is_dir() or not any(p.iterdir()))
        return sorted(path.relative_to(self.folder).as_posix() for path in there)

    def read(self, name: str) -> bytes | None:
        """The bytes of a file; None where there is none."""
        path = self.folder / name
        if not path.exists():
            return None
        try:
            with open_input(path) as stream:
                return stream.read()
        except FieldguideError as error:
            raise DestinationError(str(error)) from None

    def differing(self, files: Sequence[ReleaseFile]) -> list[ReleaseFile]:
        """By sha256. A link is never what was published."""
        return [file for file in files if not self._holds(file)]

    def _holds(self, file: ReleaseFile) -> bool:
        path = self.folder / file.name
        return (
            path.is_file()
            and not path.is_symlink()
            and path.stat().st_size == file.size
            and sha256_file(path) == file.sha256
        )

    def send(self, files: Sequence[ReleaseFile], gone: Sequence[str], message: str) -> Iterator[ReleaseFile]:
        """Copy the whole release, unchanged files too: the folder appears at once or stays as it was."""
        mode = stat.S_IMODE(self.folder.stat().st_mode) if self.folder.exists() else None
        sources = {path.relative_to(self.release) for path in self.release.rglob("*") if path.is_file()}
        with atomic_directory(self.folder) as made:
            for source in sorted(sources):
                (made / source).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.release / source, made / source)
            if mode is not None:
                made.chmod(mode)
        yield from files
