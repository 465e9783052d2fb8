"""A dataset of the Hugging Face hub."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from glob import escape
from pathlib import Path
from typing import Any, cast

from fieldguide.publishing.release.publish.destinations.destination import DestinationError
from fieldguide.publishing.release.publish.files import ReleaseFile
from fieldguide.publishing.release.publish.leaks.machine import hushed

_TOKEN = "HF_TOKEN"  # noqa: S105 - the variable's name
_OWN = {".gitattributes"}
"""What the hub puts into every dataset."""


class HubDestination:
    """A dataset's repository. All files go in one commit: it is there whole or not at all."""

    note = "all files go in one commit; who may see them is set at the hub"

    def __init__(self, release: Path, dataset: str) -> None:
        self.release, self.dataset = release, dataset
        self.title = f"hf://datasets/{dataset}"

    def names(self) -> list[str]:
        """Files of its main branch."""
        return sorted(name for name in self._tree if name not in _OWN)

    def read(self, name: str) -> bytes | None:
        """The bytes of a file of its main branch."""
        if name not in self._tree:
            return None
        with self._in_words(), tempfile.TemporaryDirectory() as folder:
            path = self._hub.hf_hub_download(self.dataset, name, repo_type="dataset", local_dir=folder)
            return Path(path).read_bytes()

    def differing(self, files: Sequence[ReleaseFile]) -> list[ReleaseFile]:
        """By the sha256 that the hub tells of large files, and git's own hash of small ones."""
        self.__dict__.pop("_tree", None)
        return [file for file in files if not self._holds(file)]

    def _holds(self, file: ReleaseFile) -> bool:
        there = self._tree.get(file.name)
        if there is None or there.size != file.size:
            return False
        return bool(there.lfs.sha256 == file.sha256 if there.lfs else there.blob_id == _git_hash(file.path))

    def send(self, files: Sequence[ReleaseFile], gone: Sequence[str], message: str) -> Iterator[ReleaseFile]:
        """Send them in one commit, which also removes what is gone."""
        if not os.environ.get(_TOKEN):
            raise DestinationError(f"{self.title}: ${_TOKEN} is not set; it has to hold a token that may write there")
        with self._in_words():
            self._hub.upload_folder(
                repo_id=self.dataset,
                repo_type="dataset",
                folder_path=self.release,
                allow_patterns=[escape(file.name) for file in files],
                delete_patterns=[escape(name) for name in gone] or None,
                commit_message=message,
            )
        yield from files

    @cached_property
    def _hub(self) -> Any:
        from huggingface_hub import HfApi

        # Without a token it asks as anybody: never with one that lies in a file of the user's.
        return HfApi(token=os.environ.get(_TOKEN) or False)

    @cached_property
    def _tree(self) -> dict[str, Any]:
        with self._in_words():
            tree = self._hub.list_repo_tree(self.dataset, repo_type="dataset", recursive=True)
            return {one.path: one for one in tree if hasattr(one, "blob_id")}

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        from huggingface_hub.errors import (
            HfHubHTTPError,
            LocalEntryNotFoundError,
            OfflineModeIsEnabled,
            RepositoryNotFoundError,
        )

        # Of httpx or of httpx2: versions of the hub's package differ.
        of_the_client = cast(type[Exception], HfHubHTTPError.__bases__[0])
        try:
            yield
        except OfflineModeIsEnabled:
            raise DestinationError(f"{self.title}: cannot be asked, for $HF_HUB_OFFLINE is set; unset it") from None
        except RepositoryNotFoundError:
            what = f"is not there, or ${_TOKEN} may not see it; make the dataset on the hub, which asks who may see it"
            raise DestinationError(f"{self.title}: {what}") from None
        except (of_the_client, OSError, ValueError) as error:
            said = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
            words = str(said).strip().splitlines() or [type(said).__name__]
            raise DestinationError(
                hushed(f"{self.title}: cannot be asked or did not take it: {words[0]}", os.environ)
            ) from None


def _git_hash(path: Path) -> str:
    """What git calls a file with these bytes."""
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
