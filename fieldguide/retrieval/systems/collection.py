"""What systems rank, and what they may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from fieldguide.places import Places
from fieldguide.records import DRAWINGS, IMAGES, Subtopic, read_phrases, read_topics
from fieldguide.retrieval.embeddings import Embeddings


@dataclass(frozen=True)
class Collection:
    """What systems rank and what they may know: the gallery, topics, phrases, drawings, embeddings.

    `sources` leaves only the images of these sources in the gallery; None leaves all.
    """

    places: Places
    sources: tuple[str, ...] | None = None

    @cached_property
    def gallery(self) -> tuple[str, ...]:
        """image_ids that are searched, sorted."""
        images = IMAGES.read(self.places.images)
        chosen = images["split"] == "gallery"
        if self.sources is not None:
            chosen &= images["source"].isin(self.sources)
        return tuple(sorted(images.loc[chosen, "image_id"]))

    @cached_property
    def subtopics(self) -> tuple[Subtopic, ...]:
        """All subtopics, sorted by id."""
        topics = read_topics(self.places.topics)
        return tuple(sorted((s for t in topics for s in t.subtopics), key=lambda s: s.subtopic_id))

    @cached_property
    def phrases(self) -> Mapping[str, str]:
        """Phrase by subtopic_id."""
        return {p.subtopic_id: p.text for p in read_phrases(self.places.phrases)}

    @cached_property
    def drawings(self) -> pd.DataFrame:
        """records.DRAWINGS that exist (status ok)."""
        drawings = DRAWINGS.read(self.places.drawings)
        return drawings[drawings["status"] == "ok"]

    def drawing_ids(self, images: int, *, purpose: str, prompt: str | None = None) -> list[str]:
        """Ids of the first `images` drawings of one prompt, or of all prompts of a purpose, sorted."""
        chosen = self.drawings[(self.drawings["purpose"] == purpose) & (self.drawings["index"] < images)]
        if prompt is not None:
            chosen = chosen[chosen["prompt"] == prompt]
        return sorted(chosen["drawing_id"])

    def images(self, encoder: str) -> Embeddings:
        """The corpus in one encoder's space."""
        return Embeddings.open(self.places.embeddings(encoder))

    def queries(self, encoder: str) -> Embeddings:
        """Questions, phrases and drawings in one encoder's space."""
        return Embeddings.open(self.places.queries(encoder))
