"""A remote of the repository's DVC: what `dvc get` and `dvc pull` fetch from."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from fieldguide.core.stores import repository_of
from fieldguide.publishing.release.publish.destinations.destination import DestinationError
from fieldguide.publishing.release.publish.files import ReleaseFile
from fieldguide.publishing.release.publish.leaks.machine import hushed

_TOLD = 3
"""Of what DVC says, so many things."""


class DvcDestination:
    """A DVC remote. It keeps every version by its content, and git says which is which: nothing there is replaced."""

    note = (
        "a DVC remote holds files by their content: others fetch them with `dvc get REPOSITORY FOLDER --rev TAG` once "
        "dvc.lock (or the .dvc file) is committed, tagged and pushed"
    )

    def __init__(self, release: Path, remote: str) -> None:
        """Refuse what DVC does not track, or tracks with other bytes: it would send those."""
        self.release, self.remote = Path(os.path.abspath(release)), remote  # noqa: PTH100 - links stay
        self.title = f"DVC remote {remote}"
        with self._in_words():
            known = sorted(self._repo.config["remote"])
            if remote not in known:
                told = ", ".join(known) or "none is configured; `dvc remote add NAME ADDRESS` does it"
                raise DestinationError(f"{self.title}: is not configured; configured: {told}")
            if self._out.changed():
                raise DestinationError(
                    f"{release}: differs from what DVC has of it; `fieldguide build release` (or `dvc commit`) first"
                )

    def names(self) -> list[str]:
        """None: what lies there has no names."""
        return []

    def read(self, name: str) -> bytes | None:
        """Nothing: which version a file is of is known to git alone."""
        return None

    def differing(self, files: Sequence[ReleaseFile]) -> list[ReleaseFile]:
        """Those whose content the remote lacks; all where it lacks the list that names them."""
        from dvc_data.hashfile.tree import Tree

        with self._in_words():
            tree = self._out.get_obj()
            if not isinstance(tree, Tree):
                raise DestinationError(f"{self.release}: DVC's cache lacks the list of its files; `dvc commit` first")
            contents = {"/".join(key): info.value for key, _, info in tree}
            # Looked up one by one: DVC's own status believes that what was there once is there still.
            held = set(self._odb.list_oids_exists([*contents.values(), self._out.hash_info.value]))
        if self._out.hash_info.value not in held:
            return list(files)
        return [file for file in files if contents.get(file.name) not in held]

    def send(self, files: Sequence[ReleaseFile], gone: Sequence[str], message: str) -> Iterator[ReleaseFile]:
        """`dvc push FOLDER --remote NAME`."""
        with self._in_words():
            self._repo.push(targets=[str(self.release)], remote=self.remote)
        yield from files

    @cached_property
    def _odb(self) -> Any:
        return self._repo.cloud.get_remote_odb(self.remote, "push")

    @cached_property
    def _repo(self) -> Any:
        from dvc.repo import Repo

        return Repo(str(repository_of(self.release)))

    @cached_property
    def _out(self) -> Any:
        outs = [out for out in self._repo.index.outs if Path(out.fs_path) == self.release]
        if not outs:
            raise DestinationError(
                f"{self.release}: is no output of a stage and no folder that DVC tracks; `dvc add` it, or publish "
                "data/release of the repository"
            )
        return outs[0]

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        from dvc.exceptions import DvcException

        try:
            with _logged() as causes:
                yield
        except DvcException as error:
            told = (str(error), str(error.__cause__ or ""), *causes)
            words = ": ".join(list(dict.fromkeys(filter(None, told)))[:_TOLD])
            raise DestinationError(hushed(f"{self.title}: DVC says: {words}", os.environ)) from None
        except OSError as error:
            raise DestinationError(hushed(f"{self.title}: cannot be reached ({error})", os.environ)) from None


@contextlib.contextmanager
def _logged() -> Iterator[list[str]]:
    """Why files failed, which DVC tells its log alone: there it would be printed, addresses and passwords too."""
    causes: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            causes.append(str(record.exc_info[1] if record.exc_info else record.getMessage()))

    listening, loggers = (
        Listening(logging.WARNING),
        [logging.getLogger(f"dvc{part}") for part in ("", "_data", "_objects")],
    )
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [listening], False
    try:
        yield causes
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
