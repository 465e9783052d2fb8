"""What CLETIR's networks learn from: the topics' phrases, their drawings, and photographs of the same entities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError
from fieldguide.records.embeddings import text_key
from fieldguide.records.images import IMAGES
from fieldguide.retrieval.search import Floats, centred
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.sections.cletir import CletirSystem

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CletirExamples:
    """What there is to learn from; every row is of unit length.

    Attributes:
        entities: entity ids, sorted.
        drawings: of each phrase, (k, d) with k >= 1: all in the image space.
        texts: (q, e) of the phrases, in the text space.
        asked: (q,) index of each phrase's entity.
        photographs: (n, d) of the train split, in the image space.
        told: (n, e) the same photographs in the text space.
        shown: (n,) index of each photograph's entity.
    """

    entities: Sequence[str]
    drawings: Sequence[Floats]
    texts: Floats
    asked: Numbers
    photographs: Floats
    told: Floats
    shown: Numbers

    def without(self, entities: Sequence[int], centre: bool) -> CletirExamples:
        """What is left without these entities; with `centre` both domains lose the mean of what is left."""
        asked = np.flatnonzero(~np.isin(self.asked, entities))
        shown = np.flatnonzero(~np.isin(self.shown, entities))
        drawings, photographs = [self.drawings[n] for n in asked], self.photographs[shown]
        if centre:
            middle = np.concatenate(drawings).mean(axis=0)
            drawings = [centred(vectors, middle) for vectors in drawings]
            photographs = centred(photographs, photographs.mean(axis=0))
        return CletirExamples(
            self.entities,
            drawings,
            self.texts[asked],
            self.asked[asked],
            photographs,
            self.told[shown],
            self.shown[shown],
        )


def read_examples(collection: SearchCollection, spec: CletirSystem, split: str) -> CletirExamples:
    """Phrases of the topics with drawings, beside all photographs of `split` that show one of their entities.

    Raises:
        FieldguideError: there is no entity with both.
    """
    images = IMAGES.read(collection.paths.images)
    images = images[(images["split"] == split) & images["entity_id"].notna()].sort_values("image_id")
    photographed = set(images["entity_id"])
    # Subtopics that share entity and text are one example.
    asked = {
        (s.entity_id, collection.text_of(s, spec.query)): drawings
        for s in collection.subtopics
        if s.entity_id in photographed and (drawings := collection.drawings_of(s, spec.images))
    }
    entities = sorted({entity for entity, _ in asked})
    if not entities:
        raise FieldguideError(
            f"{collection.paths.images}: split {split!r} has no photograph of an entity that is drawn; "
            "CLETIR has nothing to learn from"
        )
    images = images[images["entity_id"].isin(entities)]
    shown, space, text_space = (
        list(images["image_id"]),
        collection.images(spec.encoder),
        collection.images(spec.text_encoder),
    )
    queries, texts = collection.queries(spec.encoder), collection.queries(spec.text_encoder)
    return CletirExamples(
        entities,
        [queries.rows("drawing", drawings) for drawings in asked.values()],
        texts.rows(spec.query, [text_key(text) for _, text in asked]),
        np.searchsorted(entities, [entity for entity, _ in asked]).astype(np.int64),
        space.rows("image", shown),
        text_space.rows("image", shown),
        np.searchsorted(entities, images["entity_id"].to_numpy(dtype=str)).astype(np.int64),
    )
