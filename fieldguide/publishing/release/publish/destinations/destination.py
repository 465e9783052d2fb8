"""What every place that a release can be put to has in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from fieldguide.core.errors import FieldguideError
from fieldguide.publishing.release.publish.files import ReleaseFile


class DestinationError(FieldguideError):
    """A place cannot be asked, or does not take what is sent: where, why, what to do. Holds no secret."""


class Destination(Protocol):
    """A place for one release.

    Every method raises DestinationError where the place cannot be reached or does not allow it.
    """

    @property
    def title(self) -> str:
        """As it is told to people; without passwords."""
        ...

    @property
    def note(self) -> str:
        """What is to be known about what is sent there; may be empty."""
        ...

    def names(self) -> list[str]:
        """Files that lie there, sorted; those that the place makes itself aside."""
        ...

    def read(self, name: str) -> bytes | None:
        """A small file; None where there is none."""
        ...

    def differing(self, files: Sequence[ReleaseFile]) -> list[ReleaseFile]:
        """Those that do not lie there with these bytes, in the order given."""
        ...

    def send(self, files: Sequence[ReleaseFile], gone: Sequence[str], message: str) -> Iterator[ReleaseFile]:
        """Send files in this order and yield each once it lies there.

        Args:
            files: those that differ.
            gone: names of files of an older version, to be removed before release.json is sent.
            message: says what it is, where the place keeps a history.
        """
        ...
