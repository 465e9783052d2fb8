"""What can be shown: relevant and other images, drawings, captions and what systems found, looked up by subtopic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from fieldguide.answering.closed.scoring import names_of
from fieldguide.answering.question import Shown
from fieldguide.core.files import sha256_bytes
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.items import Member, drawing_items, image_items
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import QRELS
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.runs import read_run
from fieldguide.records.topics import Topic, read_phrases, read_topics

Ids = Mapping[str, list[str]]


@dataclass(frozen=True)
class Material:
    """The benchmark's tables, each read when it is first asked for."""

    paths: Paths

    @cached_property
    def topics(self) -> list[Topic]:
        """All topics, by id."""
        return sorted(read_topics(self.paths.topics), key=lambda topic: topic.topic_id)

    @cached_property
    def names(self) -> Mapping[str, list[str]]:
        """Each entity's name and aliases."""
        return names_of(ENTITIES.read(self.paths.entities))

    @cached_property
    def gallery(self) -> Mapping[str, str | None]:
        """The entity that each image of the gallery shows, if its source says so; sorted by image_id."""
        images = self._images[self._images["split"] == "gallery"]
        return dict(zip(images["image_id"], images["entity_id"], strict=True))

    @cached_property
    def images(self) -> Sequence[str]:
        """image_ids of the gallery, sorted."""
        return list(self.gallery)

    @cached_property
    def labelled(self) -> Sequence[str]:
        """Those whose source says which entity they show."""
        return [image for image, entity in self.gallery.items() if entity is not None]

    def is_relevant(self, image_id: str, subtopic_id: str) -> bool:
        """Whether an image was judged relevant for a subtopic."""
        return image_id in self._relevant_sets.get(subtopic_id, ())

    @cached_property
    def relevant(self) -> Ids:
        """Relevant images by subtopic, sorted."""
        return self._judged(self._qrels["grade"] > 0)

    @cached_property
    def not_relevant(self) -> Ids:
        """Images that were judged not relevant, by subtopic, sorted."""
        return self._judged(self._qrels["grade"] <= 0)

    @cached_property
    def drawings(self) -> Ids:
        """Drawings of each subtopic's phrase, by their index."""
        made = self._drawings[self._drawings["purpose"] == "topic"].sort_values("index", kind="stable")
        by_prompt = made.groupby("prompt", sort=False)["drawing_id"].agg(list).to_dict()
        return {p.subtopic_id: by_prompt.get(p.text, []) for p in read_phrases(self.paths.phrases)}

    @cached_property
    def captions(self) -> Mapping[str, str]:
        """Caption by image_id, of those that were captioned."""
        table = CAPTIONS.read(self.paths.captions)
        made = table[(table["status"] == "ok") & (table["kind"] == "image")]
        return dict(zip(made["key"], made["text"], strict=True))

    def found(self, system: str, track: str, depth: int) -> Ids:
        """The best images that a system found for each subtopic, best first."""
        run = read_run(self.paths.run(track, system))
        best = run[run["rank"] <= depth].astype({"subtopic_id": str, "image_id": str})
        return {str(name): list(ids) for name, ids in best.groupby("subtopic_id", sort=False)["image_id"]}

    def image(self, image_id: str, subtopic_id: str) -> Shown:
        """A photograph, shown for that subtopic."""
        content, member = self._bytes[image_id]
        return Shown("image", image_id, content, member, self.is_relevant(image_id, subtopic_id))

    def drawing(self, drawing_id: str) -> Shown:
        """A drawing."""
        content, member = self._drawn[drawing_id]
        return Shown("drawing", drawing_id, content, member)

    def caption(self, image_id: str, subtopic_id: str) -> Shown:
        """A photograph's caption in its place."""
        text = self.captions[image_id]
        return Shown("caption", image_id, sha256_bytes(text.encode()), text, self.is_relevant(image_id, subtopic_id))

    @cached_property
    def _images(self) -> pd.DataFrame:
        return IMAGES.read(self.paths.images)

    @cached_property
    def _drawings(self) -> pd.DataFrame:
        table = DRAWINGS.read(self.paths.drawings)
        return table[table["status"] == "ok"]

    @cached_property
    def _bytes(self) -> Mapping[str, tuple[str, Member]]:
        return {i.key: (i.content, i.payload) for i in image_items(self._images, self.paths) if i.modality == "image"}  # type: ignore[misc]

    @cached_property
    def _drawn(self) -> Mapping[str, tuple[str, Member]]:
        items = drawing_items(self._drawings, self.paths)
        return {i.key: (i.content, i.payload) for i in items if i.modality == "image"}  # type: ignore[misc]

    @cached_property
    def _qrels(self) -> pd.DataFrame:
        return QRELS.read(self.paths.qrels / "qrels.parquet").sort_values(["subtopic_id", "image_id"])

    def _judged(self, chosen: pd.Series[bool]) -> Ids:
        groups = self._qrels[chosen].groupby("subtopic_id", sort=False)["image_id"]
        return {str(subtopic): list(ids) for subtopic, ids in groups}

    @cached_property
    def _relevant_sets(self) -> Mapping[str, frozenset[str]]:
        return {subtopic: frozenset(ids) for subtopic, ids in self.relevant.items()}
