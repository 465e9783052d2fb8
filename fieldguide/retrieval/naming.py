"""What photographs seem to show, by the names nearest in an encoder's text space: proposals and doubts, never labels.

Proposals are CaSED's idea (Vocabulary-free Image Classification, arXiv 2306.00917): of a vocabulary, the names that are
nearest in the shared space. Doubts are that of filters of image-text pairs (Compress & Align, arXiv 2312.06726): a pair
whose text is far from its image is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.encoders.section import EncoderSection
from fieldguide.records.embeddings import Embeddings
from fieldguide.records.images import IMAGES

Vectors = npt.NDArray[np.floating[Any]]
PHRASE = "a photo of {name}"
_AT_ONCE = 4096


@dataclass(frozen=True)
class NamedPhotograph:
    """A photograph with the names nearest to it.

    Attributes:
        image_id: of the corpus.
        source: of the corpus.
        path: its key in the source.
        entity: what its label says; None where it has none.
        names: the nearest, best first.
        scores: their cosine similarities, -1..1.
        doubt: how much nearer another name is than that of its own entity; 0 or less: none is. None without a label.
    """

    image_id: str
    source: str
    path: str
    entity: str | None
    names: tuple[str, ...]
    scores: tuple[float, ...]
    doubt: float | None


def name_photographs(
    paths: Paths, encoder: str, spec: EncoderSection, names: Mapping[str, str], top: int = 3
) -> Iterator[NamedPhotograph]:
    """Every photograph of the corpus with the `top` nearest names, by image id; a block of vectors in memory at a time.

    Args:
        paths: of a benchmark whose photographs are embedded.
        encoder: name of an encoder that encodes images and texts.
        spec: its section.
        names: what is offered: name by key; the keys of entities are their ids.
        top: names a photograph.

    Raises:
        FieldguideError: the photographs are not embedded by it, it encodes no texts, or no name is given.
    """
    if not names:
        raise FieldguideError("no name is given to choose from")
    keys = list(names)
    texts = load_encoder(encoder, spec, paths.root).encode_texts([PHRASE.format(name=names[key]) for key in keys])
    places = {key: place for place, key in enumerate(keys)}
    columns = ["image_id", "source", "source_key", "entity_id"]
    images, stored = (
        IMAGES.read(paths.images, columns).sort_values("image_id"),
        Embeddings.open(paths.embeddings(encoder)),
    )
    for start in range(0, len(images), _AT_ONCE):
        block = images.iloc[start : start + _AT_ONCE]
        scores = np.asarray(stored.rows("image", block["image_id"].tolist()), np.float32) @ texts.T
        for (image, source, key, label), own in zip(block.itertuples(index=False, name=None), scores, strict=True):
            entity = label if isinstance(label, str) else None
            order = nearest(own, top)
            yield NamedPhotograph(
                image, source, key, entity, tuple(names[keys[n]] for n in order),
                tuple(round(float(own[n]), 4) for n in order), doubt(own, places.get(entity) if entity else None),
            )  # fmt: skip


def nearest(scores: Vectors, top: int) -> list[int]:
    """Places of the `top` highest scores, best first; equal ones in their order."""
    return [int(n) for n in np.argsort(-scores, kind="stable")[:top]]


def doubt(scores: Vectors, own: int | None) -> float | None:
    """By how much the best other name is nearer than that at the place `own`; None where there is none."""
    if own is None:
        return None
    others = np.delete(scores, own)
    return round(float(others.max() - scores[own]), 4) if len(others) else None
