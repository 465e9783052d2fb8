"""What there is to learn from: the photographs of the train split and the ways to name what they show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.shards import iter_images, read_images
from fieldguide.queries.knowledge.reading import read_knowledge
from fieldguide.queries.knowledge.records import Knowledge
from fieldguide.retrieval.training.phrasings import phrasings


@dataclass(frozen=True)
class TrainSplit:
    """Photographs of one split whose entity is known.

    Attributes:
        name: of the split.
        images: their rows of records.IMAGES, sorted by image_id.
        entities: entity ids, sorted; only those that have photographs.
        phrases: for each entity, sentences about it.
        generic: sentences about what all entities are: the roots of their taxonomy paths.
    """

    paths: Paths
    name: str
    images: pd.DataFrame
    entities: list[str]
    phrases: list[list[str]]
    generic: list[str]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """For each image the index of its entity."""
        return np.searchsorted(self.entities, self.images["entity_id"].to_numpy(dtype=str)).astype(np.int64)

    def first(self, count: int) -> TrainSplit:
        """That many of its photographs, with the entities that they show."""
        images = self.images.iloc[:count]
        shown = set(images["entity_id"])
        kept = [n for n, entity in enumerate(self.entities) if entity in shown]
        entities, phrases = [self.entities[n] for n in kept], [self.phrases[n] for n in kept]
        return replace(self, images=images, entities=entities, phrases=phrases)

    def photographs(self) -> Iterator[Image.Image]:
        """Upright RGB photographs in the order of `images`, one in memory at a time."""
        for n in range(len(self.images)):
            yield from (image for _, image in iter_images(self.paths, self.images.iloc[n : n + 1]))


def read_train_split(paths: Paths, split: str) -> TrainSplit:
    """Read corpus and knowledge.

    Raises:
        FieldguideError: the split has no photographs of known entities.
        ProblemsError: the knowledge files are not valid.
    """
    knowledge = read_knowledge(paths.knowledge)
    images = read_images(paths)
    images = images[(images["split"] == split) & images["entity_id"].isin(knowledge.entities)]
    if images.empty:
        raise FieldguideError(
            f"{paths.images}: split {split!r} has no photograph of an entity of {paths.knowledge / knowledge.file}"
        )
    return _train_split(paths, split, images.sort_values("image_id"), knowledge)


def _train_split(paths: Paths, name: str, images: pd.DataFrame, knowledge: Knowledge) -> TrainSplit:
    entities = sorted(images["entity_id"].unique())
    parts = sorted({attribute.part for attribute in knowledge.attributes})
    known = [knowledge.entities[entity] for entity in entities]
    roots = sorted({entity.taxonomy[0] for entity in known})
    phrases = [phrasings([entity.name, *entity.aliases], parts) for entity in known]
    return TrainSplit(paths, name, images, entities, phrases, phrasings(roots, parts))
