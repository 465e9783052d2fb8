"""Stage `caption`: photographs and drawings in words, each captioned once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked, read_member
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.core.streaming import map_ahead
from fieldguide.corpus.store.items import ITEM_COLUMNS, Item, Member, drawing_items, image_items
from fieldguide.corpus.store.pixels import open_image
from fieldguide.models.loading.protocols import Captioner, Refused
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.images import IMAGES


@dataclass(frozen=True)
class CaptionSummary:
    """How many captions were made now, were there already, and failed."""

    made: int
    cached: int
    failed: int

    def __str__(self) -> str:
        return f"{self.made} captioned now, {self.cached} captioned before, {self.failed} failed"


def captioned_items(paths: Paths) -> list[Item]:
    """What is captioned: the gallery, and the drawings of topics; sorted by kind and key."""
    images = IMAGES.read(paths.images, [*ITEM_COLUMNS, "split"])
    drawings = DRAWINGS.read(paths.drawings)
    items = image_items(images[images["split"] == "gallery"], paths)
    return sorted(items + drawing_items(drawings[drawings["purpose"] == "topic"], paths), key=lambda i: i[:2])


def caption_all(
    items: Sequence[Item], captioner: Captioner, paths: Paths, batch: int, track: Track = silent
) -> CaptionSummary:
    """Caption what is not in the cache and write data/captions/captions.parquet.

    A run that was killed goes on from the last batch. What failed is recorded with the reason, and tried again by the
    next run.

    Raises:
        FieldguideError: an image does not decode.
    """
    failed: dict[str, str] = {}
    with _Cache(paths.cache / "captions.sqlite", captioner.revision) as cache:
        known = cache.known()
        missing = list({item.content: item for item in items if item.content not in known}.values())
        batches = [missing[start : start + batch] for start in range(0, len(missing), batch)]
        for chosen in track(batches, f"captioning with {captioner.name}", unit="batches", total=len(batches)):
            answers = captioner.caption(list(map_ahead(_load, chosen)))
            made = zip([item.content for item in chosen], answers, strict=True)
            failed |= {content: answer.reason for content, answer in made if isinstance(answer, Refused)}
            cache.put({i.content: a for i, a in zip(chosen, answers, strict=True) if isinstance(a, str)})
        known = cache.known()
    rows = [_row(item, captioner, known.get(item.content), failed.get(item.content)) for item in items]
    CAPTIONS.write(paths.captions, CAPTIONS.frame(rows))
    return CaptionSummary(len(missing) - len(failed), len(items) - len(missing), len(failed))


def write_no_captions(paths: Paths) -> None:
    """An empty table: no captioner is named."""
    CAPTIONS.write(paths.captions, CAPTIONS.frame([]))


def _row(item: Item, captioner: Captioner, text: str | None, reason: str | None) -> dict[str, Any]:
    return {
        "kind": item.kind, "key": item.key, "text": text, "captioner": captioner.name, "revision": captioner.revision,
        "status": "ok" if text is not None else "failed", "reason": reason,
    }  # fmt: skip


def _load(item: Item) -> Image.Image:
    if not isinstance(item.payload, Member):
        raise ValueError(f"{item.kind} {item.key} is no image")
    try:
        return open_image(read_member(*item.payload))
    except FieldguideError as error:
        raise FieldguideError(f"{item.kind} {item.key}: {error}") from error


class _Cache:
    """Captions by the sha256 of the image's bytes, of one captioner's revision."""

    def __init__(self, path: Path, revision: str) -> None:
        self._path, self._revision = path, revision

    def __enter__(self) -> _Cache:
        self._lock = locked(self._path.with_suffix(".lock"))
        self._lock.__enter__()
        self._base = sqlite3.connect(self._path)
        with self._base:
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS captions (revision TEXT, content TEXT, text TEXT, "
                "PRIMARY KEY (revision, content)) WITHOUT ROWID"
            )
        return self

    def __exit__(self, *error: object) -> None:
        self._base.close()
        self._lock.__exit__(None, None, None)

    def known(self) -> Mapping[str, str]:
        """Caption by content."""
        rows: Iterator[tuple[str, str]]
        with closing(self._base.cursor()) as cursor:
            rows = cursor.execute("SELECT content, text FROM captions WHERE revision = ?", (self._revision,))
            return dict(rows)

    def put(self, captions: Mapping[str, str]) -> None:
        """Keep captions; all of them or, if killed, none."""
        with self._base:
            rows = [(self._revision, content, text) for content, text in captions.items()]
            self._base.executemany("INSERT OR REPLACE INTO captions VALUES (?, ?, ?)", rows)
