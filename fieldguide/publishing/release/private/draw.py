"""Which subtopics are private: a draw that hangs on a seed and on what is drawn, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_bytes
from fieldguide.publishing.release.section import PrivateSplit
from fieldguide.records.topics import Topic

APPEARANCE = "description"
"""Stands for the feature where what is told of an entity is its description."""


@dataclass(frozen=True)
class PrivatePart:
    """What is private of some topics; the rest is public.

    Attributes:
        all: every topic.
        subtopics: whose judgments are withheld.
    """

    all: tuple[Topic, ...]
    subtopics: frozenset[str]

    @cached_property
    def topics(self) -> dict[str, Topic]:
        """By id those of which a subtopic is private: the reference answer would tell of that one too."""
        found = (t for t in self.all if any(s.subtopic_id in self.subtopics for s in t.subtopics))
        return {topic.topic_id: topic for topic in found}

    @cached_property
    def entities(self) -> frozenset[str]:
        """Of private subtopics, and of no public one, whose judgments would say which images show them."""
        every = [s for topic in self.all for s in topic.subtopics]
        public = {s.entity_id for s in every if s.subtopic_id not in self.subtopics}
        return frozenset(s.entity_id for s in every if s.subtopic_id in self.subtopics) - public

    @cached_property
    def untold(self) -> frozenset[tuple[str, str]]:
        """(entity_id, feature) that private topics ask about and no public one: its value would give answers away."""
        return frozenset(_pairs(self.topics.values())) - self._told

    @cached_property
    def _told(self) -> frozenset[tuple[str, str]]:
        return frozenset(_pairs(t for t in self.all if t.topic_id not in self.topics))

    def hides(self, entity_id: str, feature: str) -> bool:
        """Whether a value of an entity is withheld: a private topic asks for it, or no public topic names the entity.

        Entities that no topic names are hidden by nothing.
        """
        if (entity_id, feature) in self.untold:
            return True
        return entity_id in self._asked and not any(entity == entity_id for entity, _ in self._told)

    @cached_property
    def _asked(self) -> frozenset[str]:
        return frozenset(entity for topic in self.topics.values() for entity in topic.entities)


def draw(split: PrivateSplit, topics: Iterable[Topic]) -> PrivatePart:
    """The private part. The order of the topics is nothing to it, nor are topics that come or go: others stay put."""
    every = tuple(topics)
    chosen = (
        subtopic.subtopic_id
        for topic in every
        for subtopic in topic.subtopics
        if is_private(split, subtopic.entity_id if split.by == "entity" else topic.topic_id)
    )
    return PrivatePart(every, frozenset(chosen))


def is_private(split: PrivateSplit, unit: str) -> bool:
    """Whether an entity_id or a topic_id is drawn: its hash with the seed lies in the lowest `share` of all hashes."""
    digest = sha256_bytes(f"{split.seed}:{split.by}:{unit}".encode())
    return int(digest[:16], 16) < split.share * 16**16


def refuse_halves_that_are_empty(part: PrivatePart, judged: Sequence[str]) -> None:
    """Refuse a draw that leaves nothing to withhold, or nothing to publish.

    Raises:
        FieldguideError: it does.
    """
    private = sum(subtopic in part.subtopics for subtopic in judged)
    if 0 < private < len(judged):
        return
    half = "public" if private else "private"
    raise FieldguideError(
        f"release.private: the draw leaves no judged subtopic {half} of {len(judged)}; "
        "take another seed, another share (0 to 1, both excluded), or by: topic | entity"
    )


def _pairs(topics: Iterable[Topic]) -> Iterable[tuple[str, str]]:
    for topic in topics:
        features = (topic.feature, APPEARANCE) if topic.kind == "entity" else (topic.feature,)
        yield from ((entity, feature) for entity in topic.entities for feature in features)
