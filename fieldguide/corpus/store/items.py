"""Images and texts as items of work: which row each is, what determines the result, and where its bytes lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from fieldguide.core.files import read_member, sha256_bytes
from fieldguide.core.paths import Paths
from fieldguide.models.loading.protocols import Modality
from fieldguide.records.embeddings import EmbeddingKind, text_key
from fieldguide.records.topics import Phrase, Topic


class Member(NamedTuple):
    """Where an image's bytes lie: a shard, offset and size in bytes."""

    shard: Path
    offset: int
    size: int


class Item(NamedTuple):
    """Something to encode. `kind` and `key` name its row; `content`, a sha256 of text or bytes, its vector."""

    kind: EmbeddingKind
    key: str
    content: str
    payload: str | Member

    @property
    def modality(self) -> Modality:
        """What an encoder has to be able to do."""
        return "text" if isinstance(self.payload, str) else "image"

    @property
    def shard(self) -> str:
        """Unit of work: all texts are one."""
        return "" if isinstance(self.payload, str) else str(self.payload.shard)


ITEM_COLUMNS = ["image_id", "sha256", "shard", "offset", "size"]
"""Columns of records.IMAGES that say what there is to encode of a photograph."""


def image_items(images: pd.DataFrame, paths: Paths) -> list[Item]:
    """Photographs: rows of records.IMAGES."""
    shards = {shard: paths.shards / shard for shard in images["shard"].unique()}
    return [
        Item("image", image_id, sha256, Member(shards[shard], int(offset), int(size)))
        for image_id, sha256, shard, offset, size in images[ITEM_COLUMNS].itertuples(index=False, name=None)
    ]


def drawing_items(drawings: pd.DataFrame, paths: Paths) -> list[Item]:
    """Drawings that were made: rows of records.DRAWINGS."""
    return _drawn("drawing", drawings, paths.drawings.parent)


def twin_items(twins: pd.DataFrame, paths: Paths) -> list[Item]:
    """Twins that were made: rows of records.DRAWINGS."""
    return _drawn("twin", twins, paths.twins.parent)


def _drawn(kind: EmbeddingKind, drawings: pd.DataFrame, folder: Path) -> list[Item]:
    made = drawings[drawings["status"] == "ok"]
    items = []
    for drawing_id, shard, offset, size in made[["drawing_id", "shard", "offset", "size"]].itertuples(index=False):
        member = Member(folder / shard, int(offset), int(size))
        items.append(Item(kind, drawing_id, sha256_bytes(read_member(*member)), member))
    return items


def word_items(kind: EmbeddingKind, texts: Iterable[str]) -> list[Item]:
    """Texts of one kind, each once."""
    return [Item(kind, text_key(text), text_key(text), text) for text in dict.fromkeys(texts)]


def text_items(topics: Sequence[Topic], phrases: Sequence[Phrase]) -> list[Item]:
    """Questions and phrases; what several subtopics share is one item."""
    return word_items("question", (t.text for t in topics)) + word_items("phrase", (p.text for p in phrases))
