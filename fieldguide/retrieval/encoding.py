"""Encode a corpus or queries: what is not in the cache, one shard after the other; then write the folder whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from fieldguide.corpus import open_image
from fieldguide.errors import FieldguideError
from fieldguide.files import content_key, locked, read_member, sha256_bytes
from fieldguide.models import Encoder, Modality
from fieldguide.models.protocols import PreparesImages
from fieldguide.places import Places
from fieldguide.progress import Track, silent
from fieldguide.records import Phrase, Topic
from fieldguide.retrieval.embeddings import Dtype, Kind, text_key, write_embeddings
from fieldguide.retrieval.vector_cache import VectorCache, Vectors
from fieldguide.streaming import map_ahead

_PART = 512  # vectors in a part: what a kill can lose
_MANY_PARTS, _MERGED_PART = 64, 1 << 14
_BATCH_PIXELS = 1 << 25  # of the images of one batch together: 96 MiB as RGB, however large the photographs are
_LOADED_AHEAD = 8
Block = tuple[npt.NDArray[np.intp], Vectors]  # rows, and their vectors


class Member(NamedTuple):
    """Where an image's bytes lie: a shard, offset and size in bytes."""

    shard: Path
    offset: int
    size: int


class Item(NamedTuple):
    """Something to encode. `kind` and `key` name its row; `content`, a sha256 of text or bytes, its vector."""

    kind: Kind
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


@dataclass(frozen=True)
class Encoded:
    """Counts of one folder: rows written, and how many of them were encoded just now."""

    rows: int
    encoded: int


def image_items(images: pd.DataFrame, places: Places) -> list[Item]:
    """Photographs: rows of records.IMAGES."""
    columns = images[["image_id", "sha256", "shard", "offset", "size"]].itertuples(index=False, name=None)
    return [
        Item("image", image_id, sha256, Member(places.shards / shard, int(offset), int(size)))
        for image_id, sha256, shard, offset, size in columns
    ]


def drawing_items(drawings: pd.DataFrame, places: Places) -> list[Item]:
    """Drawings that were made: rows of records.DRAWINGS."""
    made = drawings[drawings["status"] == "ok"]
    items = []
    for drawing_id, shard, offset, size in made[["drawing_id", "shard", "offset", "size"]].itertuples(index=False):
        member = Member(places.drawings.parent / shard, int(offset), int(size))
        items.append(Item("drawing", drawing_id, sha256_bytes(read_member(*member)), member))
    return items


def word_items(kind: Kind, texts: Iterable[str]) -> list[Item]:
    """Texts of one kind, each once."""
    return [Item(kind, text_key(text), text_key(text), text) for text in dict.fromkeys(texts)]


def text_items(topics: Sequence[Topic], phrases: Sequence[Phrase]) -> list[Item]:
    """Questions and phrases; what several subtopics share is one item."""
    return word_items("question", (t.text for t in topics)) + word_items("phrase", (p.text for p in phrases))


def encode(
    items: Iterable[Item],
    encoder: Encoder,
    folder: Path,
    cache: Path,
    *,
    dtype: Dtype,
    batch: int,
    track: Track = silent,
) -> Encoded:
    """Encode items into an embeddings folder. The same items give the same bytes, however much was cached.

    Args:
        items: each (kind, key) once.
        encoder: encodes the modalities of all items.
        folder: is replaced whole.
        cache: root of the vector caches of all encoders.
        dtype: of the stored vectors.
        batch: at most so many items go to the encoder at once.
        track: told of every shard.

    Raises:
        FieldguideError: an image does not decode, a vector is not a unit vector, the encoder lacks a modality.
    """
    rows = sorted(items, key=lambda item: item[:2])
    encoded = 0
    blocks: list[Iterator[Block]] = []
    with ExitStack() as locks:
        # Always images before texts, so that two stages which share caches cannot wait for each other.
        for modality in cast(tuple[Modality, ...], ("image", "text")):
            numbers = np.array([n for n, item in enumerate(rows) if item.modality == modality], dtype=np.intp)
            if not len(numbers):
                continue
            if modality not in encoder.modalities:
                able = ", ".join(sorted(encoder.modalities))
                raise FieldguideError(f"encoders.{encoder.name} encodes no {modality}s (only {able})")
            store = cache / _cache_key(encoder, modality, dtype)
            locks.enter_context(locked(store / ".lock"))
            vectors = VectorCache(store, encoder.dimension, dtype)
            chosen = [rows[number] for number in numbers]
            encoded += _encode_missing(chosen, encoder, vectors, dtype, batch, track)
            blocks.append(_placed(numbers, vectors.blocks([item.content for item in chosen])))
        write_embeddings(
            folder,
            [(item.kind, item.key) for item in rows],
            chain.from_iterable(blocks),
            encoder=encoder.name,
            revision=encoder.revision,
            dtype=dtype,
            dimension=encoder.dimension,
        )
    return Encoded(len(rows), encoded)


def _cache_key(encoder: Encoder, modality: Modality, dtype: Dtype) -> str:
    """Encoders that see images alike say so by `image_revision`; they share the vectors of images."""
    revision = getattr(encoder, "image_revision", encoder.revision) if modality == "image" else encoder.revision
    return content_key(revision=revision, modality=modality, dtype=dtype, dimension=encoder.dimension)


def _placed(numbers: npt.NDArray[np.intp], blocks: Iterable[Block]) -> Iterator[Block]:
    return ((numbers[positions], vectors) for positions, vectors in blocks)


def _encode_missing(
    items: Sequence[Item], encoder: Encoder, cache: VectorCache, dtype: Dtype, batch: int, track: Track
) -> int:
    """Fill the cache, one shard after the other in the order of its bytes; returns how many items were encoded."""
    missing = {item.content: item for item in items if item.content not in cache}
    ordered = sorted(missing.values(), key=lambda item: (item.shard, item.payload))
    shards = [list(group) for _, group in groupby(ordered, key=lambda item: item.shard)]
    for shard in track(shards, f"encoding with {encoder.name}", unit="shards", total=len(shards)):
        _encode_shard(shard, encoder, cache, dtype, batch)
    cache.compact(_MANY_PARTS, _MERGED_PART)
    return len(missing)


def _encode_shard(items: Sequence[Item], encoder: Encoder, cache: VectorCache, dtype: Dtype, batch: int) -> None:
    """Items are read, decoded and prepared by threads while the encoder works on those before them."""
    ids: list[str] = []
    vectors: list[Vectors] = []
    for chosen, found in _encoded(items, encoder, batch):
        ids += [item.content for item in chosen]
        vectors.append(found.astype(dtype))
        if len(ids) >= _PART:
            cache.put(ids, np.concatenate(vectors))
            ids, vectors = [], []
    if ids:
        cache.put(ids, np.concatenate(vectors))


def _encoded(
    items: Sequence[Item], encoder: Encoder, batch: int
) -> Iterator[tuple[list[Item], npt.NDArray[np.float32]]]:
    """Batches of items with their vectors, in order."""
    if items[0].modality == "text":
        encode: Callable[[Any], npt.NDArray[np.float32]] = encoder.encode_texts
        loaded = map_ahead(_text, items)
    elif isinstance(encoder, PreparesImages):
        # Whole forward passes, some at a time: the device has the next in its queue before it is done with one.
        batch = -(-batch // encoder.batch) * encoder.batch
        encode = encoder.encode_prepared
        loaded = map_ahead(partial(_prepared, encoder=encoder), items, window=2 * batch)
    else:
        encode = encoder.encode_images
        loaded = map_ahead(_image, items, window=_LOADED_AHEAD)

    def encoded(some: list[_Loaded]) -> tuple[list[Item], npt.NDArray[np.float32]]:
        chosen = [one.item for one in some]
        return chosen, _checked(encoder, chosen, encode([one.payload for one in some]))

    # In a thread of its own, so that the next batch is gathered meanwhile.
    return map_ahead(encoded, _batches(loaded, batch), threads=1, window=2)


class _Loaded(NamedTuple):
    """What an encoder is given of an item, and its pixels as far as it holds them."""

    item: Item
    payload: Any
    pixels: int


def _text(item: Item) -> _Loaded:
    return _Loaded(item, item.payload, 0)


def _image(item: Item) -> _Loaded:
    image = _decoded(item)
    return _Loaded(item, image, image.width * image.height)


def _prepared(item: Item, encoder: PreparesImages) -> _Loaded:
    return _Loaded(item, encoder.prepare_image(_decoded(item)), 0)


def _decoded(item: Item) -> Image.Image:
    try:
        return open_image(read_member(*cast(Member, item.payload)))
    except FieldguideError as error:
        raise FieldguideError(f"{item.kind} {item.key}: {error}") from error


def _batches(loaded: Iterable[_Loaded], batch: int) -> Iterator[list[_Loaded]]:
    """Up to `batch` items at a time, fewer where the images are large."""
    waiting: list[_Loaded] = []
    pixels = 0
    for one in loaded:
        waiting.append(one)
        pixels += one.pixels
        if len(waiting) == batch or pixels >= _BATCH_PIXELS:
            yield waiting
            waiting, pixels = [], 0
    if waiting:
        yield waiting


def _checked(encoder: Encoder, items: Sequence[Item], vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What the encoder answers, held to what `Encoder` promises."""
    wanted = (len(items), encoder.dimension)
    if vectors.shape != wanted:
        raise FieldguideError(f"encoders.{encoder.name} answered with shape {vectors.shape}; expected {wanted}")
    wrong = ~(np.abs(np.linalg.norm(vectors, axis=1) - 1) < 1e-3)
    if wrong.any():
        item = items[int(wrong.argmax())]
        raise FieldguideError(
            f"encoders.{encoder.name} gave {item.kind} {item.key} a vector that is not of unit length"
        )
    return vectors
