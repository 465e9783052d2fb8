"""Reference photographs: what a generator may look at when it draws an entity, and the gallery never shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from PIL import Image

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.pixels import open_image
from fieldguide.corpus.store.shards import image_bytes, read_images
from fieldguide.records.topics import Phrase, read_topics


@dataclass(frozen=True)
class References:
    """Photographs of each phrase's entity: image_ids by the phrase's text.

    Invariant: all are of the train split, and none is a near duplicate of an image of the gallery, so that none is
    ever ranked, pooled or judged.
    """

    paths: Paths
    images: pd.DataFrame
    by_phrase: Mapping[str, tuple[str, ...]]

    def of(self, phrase: str) -> tuple[str, ...]:
        """image_ids of a phrase's photographs; none for a text that is no phrase."""
        return self.by_phrase.get(phrase, ())

    def photographs(self, phrase: str) -> list[Image.Image]:
        """A phrase's photographs, upright RGB, in the order of their ids."""
        rows = self.images.loc[list(self.of(phrase))].itertuples()
        return [open_image(image_bytes(self.paths, row)) for row in rows]


def read_references(paths: Paths, phrases: Sequence[Phrase], count: int) -> References:
    """Choose up to `count` photographs of each phrase's entity.

    Of near duplicates one is enough; which ones are taken depends on the bytes of the train split alone.

    Raises:
        ProblemsError: a phrase belongs to no subtopic, or to several entities.
    """
    entities = _entities(paths, phrases)
    images = read_images(paths).set_index("image_id", drop=False)
    chosen = {entity: _chosen(images, entity, count) for entity in set(entities.values())}
    return References(paths, images, {phrase: chosen[entity] for phrase, entity in sorted(entities.items())})


def _entities(paths: Paths, phrases: Sequence[Phrase]) -> dict[str, str]:
    """Entity of each phrase's text."""
    known = {s.subtopic_id: s.entity_id for topic in read_topics(paths.topics) for s in topic.subtopics}
    found: dict[str, set[str]] = {}
    problems: list[Problem] = []
    for phrase in phrases:
        entity = known.get(phrase.subtopic_id)
        if entity is None:
            what = f"is no subtopic of {paths.topics}; run `dvc repro rewrite`"
            problems.append(Problem(f"{paths.phrases}: {phrase.subtopic_id}", what))
        else:
            found.setdefault(phrase.text, set()).add(entity)
    problems += _shared(paths, found)
    if problems:
        raise ProblemsError("reference photographs cannot be chosen for these phrases:", problems)
    return {text: next(iter(entities)) for text, entities in found.items()}


def _shared(paths: Paths, found: Mapping[str, set[str]]) -> Iterator[Problem]:
    for text, entities in sorted(found.items()):
        if len(entities) > 1:
            what = f"is the phrase of several entities ({', '.join(sorted(entities))}); let each be named in it"
            yield Problem(f"{paths.phrases}: {text!r}", what)


def _chosen(images: pd.DataFrame, entity: str, count: int) -> tuple[str, ...]:
    cluster = images["near_duplicate_of"].fillna(images["image_id"])
    searched = set(cluster[images["split"] == "gallery"])
    usable = (images["split"] == "train") & (images["entity_id"] == entity) & ~cluster.isin(searched)
    return tuple(sorted(images[usable].groupby(cluster[usable])["image_id"].min())[:count])
