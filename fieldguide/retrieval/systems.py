"""Systems: named, parametrised ways to rank a subtopic's candidates, from params.yaml.

A system is made once of what it may look at (`Collection`) and then scores subtopics one by one. It
answers None where it has nothing to rank by (every drawing of the phrase failed): the run then has no line
for that subtopic, and the measures say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldguide.errors import FieldguideError
from fieldguide.files import sha256_bytes
from fieldguide.params import RandomSystem, System, TextSystem, VisretSystem
from fieldguide.places import Places
from fieldguide.records import DRAWINGS, IMAGES, RunLine, Subtopic, read_phrases, read_topics
from fieldguide.retrieval.embeddings import Embeddings
from fieldguide.retrieval.fusion import fuse
from fieldguide.retrieval.runs import rank_images
from fieldguide.retrieval.search import Floats, centred, mean, reached, similarities

Rows = npt.NDArray[np.intp]


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


class Scorer(Protocol):
    """Scores the candidates of a subtopic."""

    def __call__(self, subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        """Scores of `gallery[candidates]`, greater is better; None if there is nothing to rank by."""
        ...


Factory = Callable[[Any, Collection], Scorer]
F = TypeVar("F", bound=Factory)
_FACTORIES: dict[type, Factory] = {}


def _system(parameters: type) -> Callable[[F], F]:
    def register(factory: F) -> F:
        _FACTORIES[parameters] = factory
        return factory

    return register


def make_system(system: System, collection: Collection) -> Scorer:
    """The scorer that a system's parameters describe."""
    return _FACTORIES[type(system)](system, collection)


@_system(RandomSystem)
def _random(system: RandomSystem, collection: Collection) -> Scorer:
    """Uniform scores. A subtopic's depend on its id and the seed alone, not on the other subtopics."""

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        digest = hashlib.sha256(f"{system.seed} {subtopic.subtopic_id}".encode()).digest()
        values = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32)).random(len(collection.gallery))
        chosen: npt.NDArray[np.float64] = values[candidates]
        return chosen

    return score


@_system(TextSystem)
def _text(system: TextSystem, collection: Collection) -> Scorer:
    """Cosine similarity of the question or phrase with the photographs, in one text-to-image space."""
    images, queries = collection.images(system.encoder), collection.queries(system.encoder)
    rows = images.find("image", collection.gallery)

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating]:
        text = subtopic.topic.text if system.query == "question" else collection.phrases[subtopic.subtopic_id]
        query = queries.rows(system.query, [sha256_bytes(text.encode())])
        found: Floats = similarities(query, images.vectors, rows[candidates])[0]
        return found

    return score


@_system(VisretSystem)
def _visret(system: VisretSystem, collection: Collection) -> Scorer:
    """Visualize, then retrieve: similarity of the phrase's drawings with the photographs, image to image.

    Drawings and photographs sit in two shifted clouds of the image space. With `centre`, each loses its own
    domain's mean before the cosine (params.VisretSystem says which). No labels are used.
    """
    images, queries = collection.images(system.encoder), collection.queries(system.encoder)
    rows = images.find("image", collection.gallery)
    gallery_mean: Floats | None = None
    drawing_mean: Floats | None = None
    if system.centre != "none":
        purpose = "topic" if system.centre == "topics" else "generic"
        centring = collection.drawing_ids(system.images, purpose=purpose)
        if not centring:
            raise FieldguideError(
                f"centre: {system.centre} needs drawings of {purpose} prompts and there are none; "
                "set visualize.generic_prompts in params.yaml, or centre: topics"
            )
        drawing_mean = mean(queries.vectors, queries.find("drawing", centring))
        domain = rows
        if system.reach is not None:
            drawn = queries.rows("drawing", collection.drawing_ids(system.images, purpose="topic"))
            domain = rows[reached(drawn, images.vectors, rows, system.reach)]
        gallery_mean = mean(images.vectors, domain)

    def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        phrase = collection.phrases[subtopic.subtopic_id]
        drawings = collection.drawing_ids(system.images, purpose="topic", prompt=phrase)
        if not drawings:
            return None
        vectors = queries.rows("drawing", drawings)
        if drawing_mean is not None:
            vectors = centred(vectors, drawing_mean)
        found = similarities(vectors, images.vectors, rows[candidates], gallery_mean)
        return fuse(found, candidates, system.fusion, system.c)  # rows of a sorted gallery sort as its ids do

    return score


def run_system(
    name: str,
    system: System,
    collection: Collection,
    pools: Mapping[str, Sequence[str]] | None = None,
    depth: int | None = None,
) -> Iterator[RunLine]:
    """Rank every subtopic: the whole gallery (track fullrank), or each subtopic's own pool (track rerank).

    Args:
        pools: image_ids by subtopic_id for the track rerank; every pooled image must be in the gallery.
        depth: how many images a subtopic keeps; None keeps all.
    """
    score = make_system(system, collection)
    place = {image_id: row for row, image_id in enumerate(collection.gallery)}
    ids, everything = np.array(collection.gallery), np.arange(len(collection.gallery), dtype=np.intp)
    for subtopic in collection.subtopics:
        candidates: Rows = everything
        if pools is not None:
            pool = pools.get(subtopic.subtopic_id, ())
            candidates = np.array(sorted(place[image_id] for image_id in pool), dtype=np.intp)
        scores = score(subtopic, candidates) if len(candidates) else None
        if scores is not None:
            yield from rank_images(subtopic.subtopic_id, ids[candidates], scores, name, depth)
