"""Encode a corpus or queries: what is not in the cache, one shard after the other; then write the folder whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key, locked
from fieldguide.core.progress import Track, silent
from fieldguide.corpus.store.items import Item
from fieldguide.models.loading.protocols import Encoder, Modality, SharesNetwork
from fieldguide.records.embeddings import Dtype, write_embeddings
from fieldguide.retrieval.encoding.forward import PART, Part, parts
from fieldguide.retrieval.encoding.vector_cache import VectorCache, Vectors

_MANY_PARTS, _MERGED_PART = 64, 1 << 14
Spread = Callable[[Sequence[Sequence[Item]], str, Dtype], Iterator[Part]]
"""The parts of chunks of items, in order, by other processes that have an encoder of that revision."""
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
    spread: Spread | None = None,
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
        spread: other processes that encode; None: this one does.
        track: told of every shard, or of every part that another process did.

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
            vectors = locks.enter_context(_opened(cache, encoder, modality, dtype))
            chosen = [rows[number] for number in numbers]
            encoded += _encode_missing(chosen, encoder, vectors, cache, dtype, batch, spread, track)
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


@contextmanager
def _opened(cache: Path, encoder: Encoder, modality: Modality, dtype: Dtype) -> Iterator[VectorCache]:
    """The locked cache of an encoder's vectors. Encoders that see images alike say so, and share those of images."""
    revision = getattr(encoder, "image_revision", encoder.revision) if modality == "image" else encoder.revision
    store = cache / content_key(revision=revision, modality=modality, dtype=dtype, dimension=encoder.dimension)
    with locked(store / ".lock"):
        yield VectorCache(store, encoder.dimension, dtype)


def _placed(numbers: npt.NDArray[np.intp], blocks: Iterable[Block]) -> Iterator[Block]:
    return ((numbers[positions], vectors) for positions, vectors in blocks)


def _encode_missing(
    items: Sequence[Item],
    encoder: Encoder,
    vectors: VectorCache,
    cache: Path,
    dtype: Dtype,
    batch: int,
    spread: Spread | None,
    track: Track,
) -> int:
    """Fill the cache; returns how many items were encoded."""
    missing = {item.content: item for item in items if item.content not in vectors}
    if not missing:
        return 0
    if items[0].modality == "image" and isinstance(encoder, SharesNetwork):
        # The pass through the network is kept too, for the other encoders that share it.
        with _opened(cache, encoder.network, "image", "float32") as features:
            wanted = [item for item in missing.values() if item.content not in features]
            _pass(wanted, encoder.network, features, "float32", batch, spread, track)
            contents = list(missing)
            for positions, block in features.blocks(contents):
                vectors.put([contents[n] for n in positions], encoder.encode_features(block).astype(dtype))
    else:
        _pass(list(missing.values()), encoder, vectors, dtype, batch, spread, track)
    vectors.compact(_MANY_PARTS, _MERGED_PART)
    return len(missing)


def _pass(
    items: Sequence[Item],
    encoder: Encoder,
    cache: VectorCache,
    dtype: Dtype,
    batch: int,
    spread: Spread | None,
    track: Track,
) -> None:
    """Encode items that the cache lacks, one shard after the other in the order of its bytes."""
    ordered = sorted(items, key=lambda item: (item.shard, item.payload))
    shards = [list(group) for _, group in groupby(ordered, key=lambda item: item.shard)]
    what = f"encoding with {encoder.name}"
    if spread is None:
        for shard in track(shards, what, unit="shards", total=len(shards)):
            for ids, vectors in parts(shard, encoder, dtype, batch):
                cache.put(ids, vectors)
        return
    chunks = [shard[start : start + PART] for shard in shards for start in range(0, len(shard), PART)]
    for ids, vectors in track(spread(chunks, encoder.revision, dtype), what, unit="parts", total=len(chunks)):
        cache.put(ids, vectors)
