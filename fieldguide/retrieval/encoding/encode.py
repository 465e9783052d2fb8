"""Encode a corpus or queries: what is not in the cache, one shard after the other; then write the folder whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key, locked
from fieldguide.core.progress import Track, silent
from fieldguide.corpus.items import Item
from fieldguide.models.protocols import Encoder, Modality
from fieldguide.records.embeddings import Dtype, write_embeddings
from fieldguide.retrieval.encoding.forward import PART, parts
from fieldguide.retrieval.encoding.vector_cache import VectorCache, Vectors
from fieldguide.retrieval.encoding.workers import Workers

_MANY_PARTS, _MERGED_PART = 64, 1 << 14
Block = tuple[npt.NDArray[np.intp], Vectors]  # rows, and their vectors


@dataclass(frozen=True)
class Encoded:
    """Counts of one folder: rows written, and how many of them were encoded just now."""

    rows: int
    encoded: int


def encode(
    items: Iterable[Item],
    encoder: Encoder,
    folder: Path,
    cache: Path,
    *,
    dtype: Dtype,
    batch: int,
    workers: Workers | None = None,
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
        workers: other processes that encode, each with an encoder of its own; None: this one does.
        track: told of every shard, or of every part that a worker did.

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
            encoded += _encode_missing(chosen, encoder, vectors, dtype, batch, workers, track)
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
    items: Sequence[Item],
    encoder: Encoder,
    cache: VectorCache,
    dtype: Dtype,
    batch: int,
    workers: Workers | None,
    track: Track,
) -> int:
    """Fill the cache, one shard after the other in the order of its bytes; returns how many items were encoded."""
    missing = {item.content: item for item in items if item.content not in cache}
    ordered = sorted(missing.values(), key=lambda item: (item.shard, item.payload))
    shards = [list(group) for _, group in groupby(ordered, key=lambda item: item.shard)]
    what = f"encoding with {encoder.name}"
    if workers is None:
        for shard in track(shards, what, unit="shards", total=len(shards)):
            for ids, vectors in parts(shard, encoder, dtype, batch):
                cache.put(ids, vectors)
    else:
        chunks = [shard[start : start + PART] for shard in shards for start in range(0, len(shard), PART)]
        done = workers.parts(chunks, encoder.revision, dtype, batch)
        for ids, vectors in track(done, what, unit="parts", total=len(chunks)):
            cache.put(ids, vectors)
    cache.compact(_MANY_PARTS, _MERGED_PART)
    return len(missing)
