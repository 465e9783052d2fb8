"""Images that passed, the files that hold them, and the tables' rows made of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fieldguide.corpus.ingest.duplicates import hamming, parse_phashes, representatives
from fieldguide.corpus.ingest.section import Ingest
from fieldguide.corpus.sources.section import ImageSource
from fieldguide.corpus.store.pixels import PixelVerdict
from fieldguide.corpus.store.shards import ShardPlace, Spooled
from fieldguide.records.images import DUPLICATES

Row = dict[str, Any]


class Occurrence(NamedTuple):
    """One file that holds an image; `source_index` counts the sources of params.yaml."""

    split: str
    source_index: int
    key: str
    entity: str | None
    licence: str | None
    attribution: str | None

    @property
    def order(self) -> tuple[bool, int, str]:
        """The first file of an image gives it its split, source, licence and attribution.

        Files of the train split come first: bytes in both splits are of train only, since a model may have
        learnt them.
        """
        return self.split != "train", self.source_index, self.key


@dataclass
class Photograph:
    """Bytes that passed, and every file that holds them."""

    sha256: str
    verdict: PixelVerdict
    spooled: Spooled
    occurrences: list[Occurrence] = field(default_factory=list)

    @property
    def image_id(self) -> str:
        """See records.IMAGES."""
        return self.spooled.image_id

    @property
    def entities(self) -> list[str]:
        """Different entities that its files are labelled with, sorted."""
        return sorted({o.entity for o in self.occurrences if o.entity is not None})

    @property
    def files(self) -> list[Occurrence]:
        """Its occurrences, the one that counts first."""
        return sorted(self.occurrences, key=lambda occurrence: occurrence.order)


def image_rows(kept: list[Photograph], params: Ingest, placed: dict[str, ShardPlace]) -> list[Row]:
    """Rows of records.IMAGES in the order of `kept`; `placed` by image_id."""
    ids, phashes = [p.image_id for p in kept], [p.verdict.phash for p in kept]
    nearest = representatives(ids, phashes, params.near_duplicate_bits)
    rows = []
    for photograph, representative in zip(kept, nearest, strict=True):
        first, verdict = photograph.files[0], photograph.verdict
        row = {
            "image_id": photograph.image_id,
            "sha256": photograph.sha256,
            "phash": verdict.phash,
            "width": verdict.width,
            "height": verdict.height,
            "format": verdict.format,
            "entity_id": next(iter(photograph.entities), None),
            "split": first.split,
            "source": params.sources[first.source_index].name,
            "source_key": first.key,
            "licence": first.licence,
            "attribution": first.attribution,
            "copies": len(photograph.occurrences),
            "near_duplicate_of": representative,
            **placed[photograph.image_id]._asdict(),
        }
        rows.append(row)
    return rows


def duplicate_rows(kept: list[Photograph], images: list[Row], sources: list[ImageSource]) -> list[Row]:
    """Rows of records.DUPLICATES, sorted by its key.

    Exact: one for each file beside an image's first. Near: one for each image that is not its cluster's first
    (the one with the least image_id), with its distance from that one, which in a chain of near duplicates
    may be more than `near_duplicate_bits`. So the rows are never more than the files.
    """
    rows = []
    for photograph in kept:
        first, *others = photograph.files
        for other in others:
            name, across = sources[other.source_index].name, other.split != first.split
            rows.append(_duplicate(photograph.image_id, "exact", name, other.key, photograph.image_id, 0, across))
    by_id = {row["image_id"]: row for row in images}
    for image in images:
        if image["near_duplicate_of"] is not None:
            rows.append(_near(by_id[image["near_duplicate_of"]], image))
    return sorted(rows, key=lambda row: tuple(row[name] for name in DUPLICATES.key))


def _near(first: Row, image: Row) -> Row:
    hashes = parse_phashes([first["phash"], image["phash"]])
    distance, across = int(hamming(hashes[0], hashes[1])), first["split"] != image["split"]
    source, key = image["source"], image["source_key"]
    return _duplicate(first["image_id"], "near", source, key, image["image_id"], distance, across)


def _duplicate(*values: object) -> Row:
    return dict(zip((column.name for column in DUPLICATES.columns), values, strict=True))
