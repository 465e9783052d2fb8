"""What is wanted of each source of a release's photographs, what came, and why the rest did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fieldguide.corpus.sources.candidates import SourceImage


@dataclass(frozen=True)
class MissingImage:
    """An image that was not got. `reason`: not obtained, absent, other bytes, refused."""

    image_id: str
    source: str
    source_key: str
    reason: str
    detail: str


@dataclass(frozen=True)
class FetchedSource:
    """Counts of one source, which add up to `images`.

    Attributes:
        there: before.
        released: from the release itself.
        got: from where the source is got.
        missing: that did not come.
        how: it is got.
    """

    source: str
    images: int
    there: int
    released: int
    got: int
    missing: int
    how: str


@dataclass(frozen=True)
class FetchedImages:
    """What came of it, a row a source, and every image that is missing."""

    sources: tuple[FetchedSource, ...]
    missing: tuple[MissingImage, ...]

    @property
    def images(self) -> int:
        """All that were wanted."""
        return sum(source.images for source in self.sources)


class WantedImages:
    """Images of one source that are not there yet, by sha256, and what is known of those that do not come."""

    def __init__(self, name: str, rows: Iterable[Any]) -> None:
        self.name = name
        self.rows = {str(row.sha256): row for row in rows}
        self.images = len(self.rows)
        self.there = self.released = self.got = 0
        self.keys = {str(row.source_key) for row in self.rows.values()}
        self.known: dict[str, tuple[str, str]] = {}

    def explain(self, candidate: SourceImage, digest: str) -> None:
        """Note why the image of this key did not come, as far as the candidate of that key tells."""
        if candidate.key not in self.keys:
            return
        if candidate.refusal is not None:
            self.known[candidate.key] = ("refused", f"{candidate.refusal.reason}: {candidate.refusal.detail}")
        else:
            self.known[candidate.key] = ("other bytes", f"the source's have the sha256 {digest}")

    def missing(self, unobtained: str | None) -> Iterator[MissingImage]:
        """Why each does not come, where the whole source could not be had, or its keys tell."""
        absent = ("absent", "the source has neither these bytes nor this key")
        if unobtained is not None:
            absent = ("not obtained", unobtained)
        for row in sorted(self.rows.values(), key=lambda row: str(row.image_id)):
            key = str(row.source_key)
            yield MissingImage(str(row.image_id), self.name, key, *self.known.get(key, absent))
