"""What systems rank, and what they may know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.embeddings import Embeddings
from fieldguide.records.images import IMAGES
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import RECOMPOSED, Subtopic, read_components, read_phrases, read_topics


@dataclass(frozen=True)
class SearchCollection:
    """What systems rank and what they may know: the gallery, topics, phrases, drawings, embeddings.

    `sources` leaves only the images of these sources in the gallery; None leaves all.
    """

    paths: Paths
    sources: tuple[str, ...] | None = None

    @cached_property
    def gallery(self) -> tuple[str, ...]:
        """image_ids that are searched, sorted."""
        images = IMAGES.read(self.paths.images, ["image_id", "split", "source"])
        chosen = images["split"] == "gallery"
        if self.sources is not None:
            chosen &= images["source"].isin(self.sources)
        return tuple(sorted(images.loc[chosen, "image_id"]))

    @cached_property
    def subtopics(self) -> tuple[Subtopic, ...]:
        """All subtopics, sorted by id."""
        topics = read_topics(self.paths.topics)
        return tuple(sorted((s for t in topics for s in t.subtopics), key=lambda s: s.subtopic_id))

    @cached_property
    def phrases(self) -> Mapping[str, str]:
        """Phrase by subtopic_id; every subtopic has one."""
        found = {p.subtopic_id: p.text for p in read_phrases(self.paths.phrases)}
        lacking = [s.subtopic_id for s in self.subtopics if s.subtopic_id not in found]
        if lacking:
            problems = [Problem(name, "is a subtopic and has no phrase") for name in lacking]
            raise ProblemsError(f"{self.paths.phrases} is of other topics; `dvc repro phrase` makes it anew:", problems)
        return found

    @cached_property
    def drawings(self) -> pd.DataFrame:
        """records.DRAWINGS that exist (status ok)."""
        drawings = DRAWINGS.read(self.paths.drawings)
        return drawings[drawings["status"] == "ok"]

    def drawing_ids(self, images: int, *, purpose: str, prompt: str | None = None) -> list[str]:
        """Ids of the first `images` drawings of one prompt, or of all prompts of a purpose, sorted."""
        prompts = self._drawings_by_prompt.get(purpose, {})
        chosen = prompts.values() if prompt is None else [prompts.get(prompt, {})]
        return sorted(drawing for drawings in chosen for index, drawing in drawings.items() if index < images)

    @cached_property
    def _drawings_by_prompt(self) -> Mapping[str, Mapping[str, Mapping[int, str]]]:
        """drawing_id by purpose, prompt and index."""
        found: dict[str, dict[str, dict[int, str]]] = {}
        columns = self.drawings[["purpose", "prompt", "index", "drawing_id"]]
        for purpose, prompt, index, drawing_id in columns.itertuples(index=False, name=None):
            found.setdefault(purpose, {}).setdefault(prompt, {})[index] = drawing_id
        return found

    def drawings_of(self, subtopic: Subtopic, images: int) -> list[str]:
        """Ids of the first `images` drawings of a subtopic's phrase that exist, sorted."""
        return self.drawing_ids(images, purpose="topic", prompt=self.phrases[subtopic.subtopic_id])

    @cached_property
    def expansions(self) -> Mapping[str, Sequence[str]]:
        """Other wordings of the phrase by subtopic_id, in the order in which params.yaml asks for them."""
        found: dict[str, list[str]] = {}
        for phrase in read_phrases(self.paths.expansions):
            found.setdefault(phrase.subtopic_id, []).append(phrase.text)
        return found

    @cached_property
    def components(self) -> Mapping[str, Mapping[str, str]]:
        """Texts of the queries that a subtopic was taken apart into, by subtopic_id and what they are about."""
        found: dict[str, dict[str, str]] = {}
        for component in read_components(self.paths.components):
            found.setdefault(component.subtopic_id, {})[component.about] = component.text
        return found

    @cached_property
    def captions(self) -> Mapping[str, str]:
        """Caption by image_id or drawing_id, of those that were captioned."""
        table = CAPTIONS.read(self.paths.captions)
        made = table[table["status"] == "ok"]
        return dict(zip(made["key"], made["text"], strict=True))

    @cached_property
    def twins(self) -> Mapping[str, str]:
        """drawing_id of its twin by image_id, of the photographs whose caption was drawn."""
        table = DRAWINGS.read(self.paths.twins)
        made = table[table["status"] == "ok"]
        of_caption = dict(zip(made["prompt"], made["drawing_id"], strict=True))
        told = ((image_id, self.captions.get(image_id)) for image_id in self.gallery)
        return {image_id: of_caption[words] for image_id, words in told if words in of_caption}

    def recomposed(self, subtopic: Subtopic, images: int) -> Mapping[str, str]:
        """Recomposed caption by drawing_id, of a subtopic's first `images` drawings, of those that were recomposed."""
        told = self._recomposed.get(subtopic.subtopic_id, {})
        return {drawing: told[drawing] for drawing in self.drawings_of(subtopic, images) if drawing in told}

    @cached_property
    def _recomposed(self) -> Mapping[str, Mapping[str, str]]:
        table = RECOMPOSED.read(self.paths.recomposed)
        found: dict[str, dict[str, str]] = {}
        made = table.loc[table["status"] == "ok", ["subtopic_id", "drawing_id", "text"]]
        for subtopic_id, drawing_id, text in made.itertuples(index=False, name=None):
            found.setdefault(subtopic_id, {})[drawing_id] = text
        return found

    def kind(self, entity_id: str) -> str:
        """What kind of thing an entity is, as a path from the taxonomy's root.

        The nearest ancestor that it shares with another entity that is asked about: a kind of one entity would have
        that entity's own mean.
        """
        return self._kinds[entity_id]

    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        entities = ENTITIES.read(self.paths.entities)
        taxonomy = dict(zip(entities["entity_id"], map(tuple, entities["taxonomy"]), strict=True))
        asked = sorted({subtopic.entity_id for subtopic in self.subtopics})
        shared = Counter(taxonomy[e][:end] for e in asked for end in range(len(taxonomy[e])))
        # Paths to ancestors are the more shared the shorter they are; the root is every entity's.
        depths = {e: max((n for n in range(len(taxonomy[e])) if shared[taxonomy[e][:n]] > 1), default=0) for e in asked}
        return {e: " / ".join(taxonomy[e][:depth]) for e, depth in depths.items()}

    def text_of(self, subtopic: Subtopic, query: Literal["question", "phrase"]) -> str:
        """The text of a subtopic's question, or its phrase."""
        return subtopic.topic.text if query == "question" else self.phrases[subtopic.subtopic_id]

    def images(self, encoder: str) -> Embeddings:
        """The corpus in one encoder's space."""
        return Embeddings.open(self.paths.embeddings(encoder))

    def queries(self, encoder: str) -> Embeddings:
        """Questions, phrases, drawings and captions in one encoder's space."""
        return Embeddings.open(self.paths.queries(encoder))

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process reads for itself what this one has read."""
        return SearchCollection, (self.paths, self.sources)
