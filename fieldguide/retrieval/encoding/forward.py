"""Items to vectors: read, decoded and prepared by threads, while a device computes or instead of waiting for cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_member
from fieldguide.core.streaming import in_batches, map_ahead
from fieldguide.corpus.store.items import Item, Member
from fieldguide.corpus.store.pixels import open_image
from fieldguide.models.loading.parallel import one_thread
from fieldguide.models.loading.protocols import Encoder, PreparesImages
from fieldguide.records.embeddings import Dtype
from fieldguide.retrieval.encoding.vector_cache import Vectors

PART = 512
"""Vectors in a part: what a kill can lose, and what a worker is given at once."""
# Of the images of one batch together: 96 MiB as RGB, however large the photographs are. Two batches are held.
_BATCH_PIXELS = 1 << 25
_LOADED_AHEAD = 8
Part = tuple[list[str], Vectors]  # contents, and their vectors


def parts(items: Sequence[Item], encoder: Encoder, dtype: Dtype, batch: int) -> Iterator[Part]:
    """The vectors of items of one modality, in order, about PART at a time.

    Args:
        items: at least one.
        encoder: encodes their modality.
        dtype: of the vectors.
        batch: at most so many images or texts go to the encoder at once, rounded up to its forward passes; one pass
            where images are prepared on the cores that it takes.

    Raises:
        FieldguideError: an image does not decode, or a vector is not what `Encoder` promises.
    """
    ids: list[str] = []
    vectors: list[Vectors] = []
    # Threads that resize an image with several threads each would wait for one another, and spin while they do.
    with one_thread():
        for chosen, found in _encoded(items, encoder, batch):
            ids += [item.content for item in chosen]
            vectors.append(found.astype(dtype))
            if len(ids) >= PART:
                yield ids, np.concatenate(vectors)
                ids, vectors = [], []
    if ids:
        yield ids, np.concatenate(vectors)


def _encoded(
    items: Sequence[Item], encoder: Encoder, batch: int
) -> Iterator[tuple[list[Item], npt.NDArray[np.float32]]]:
    """Batches of items with their vectors, in order."""
    if items[0].modality == "text":
        encode: Callable[[Any], npt.NDArray[np.float32]] = encoder.encode_texts
        loaded = map_ahead(_text, items)
    elif isinstance(encoder, PreparesImages) and encoder.on_cores:
        # Preparing ahead would take the cores from the pass that it is ahead of, and both would be the slower for it.
        return map_ahead(partial(_prepared_and_encoded, encoder=encoder), _grouped(items, encoder.batch))
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
    return map_ahead(encoded, in_batches(loaded, batch, lambda one: one.pixels, _BATCH_PIXELS), threads=1, window=2)


def _prepared_and_encoded(items: list[Item], encoder: Encoder) -> tuple[list[Item], npt.NDArray[np.float32]]:
    """One forward pass, by the thread that prepares its images."""
    prepares = cast(PreparesImages, encoder)
    prepared = [prepares.prepare_image(_decoded(item)) for item in items]
    return items, _checked(encoder, items, prepares.encode_prepared(prepared))


def _grouped(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))


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


def _checked(encoder: Encoder, items: Sequence[Item], vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What the encoder answers, held to what `Encoder` promises."""
    wanted = (len(items), encoder.dimension)
    if vectors.shape != wanted:
        raise FieldguideError(f"encoders.{encoder.name} answered with shape {vectors.shape}; expected {wanted}")
    if not getattr(encoder, "unit_length", True):
        return vectors
    wrong = ~(np.abs(np.linalg.norm(vectors, axis=1) - 1) < 1e-3)
    if wrong.any():
        item = items[int(wrong.argmax())]
        raise FieldguideError(
            f"encoders.{encoder.name} gave {item.kind} {item.key} a vector that is not of unit length"
        )
    return vectors
