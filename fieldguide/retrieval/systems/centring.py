"""Bringing the domains of drawings, photographs and texts together: each loses its own mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError
from fieldguide.records.embeddings import text_key
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.search import Floats, centred, mean, reached
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.comparison import VectorScorer, same_space
from fieldguide.retrieval.systems.registry import CandidateScorer, Rows
from fieldguide.retrieval.systems.sections.ranking import DrawingSection

Combine = Callable[[Floats, Rows], npt.NDArray[np.floating]]
Words = Literal["question", "phrase", "caption"]
_ALL = ""  # the one domain of everything, where the set does not depend on the subtopic


@dataclass(frozen=True)
class _Means:
    drawings: Floats
    photographs: Floats


class Centring:
    """Drawings and photographs of one image space, each less the mean of its own domain.

    Drawings and photographs sit in two shifted clouds, so that a plain cosine says much about the clouds and little
    about what is shown (docs/decisions/0006). No labels are used. `DrawingSection` says which means there are.
    """

    def __init__(self, spec: DrawingSection, collection: SearchCollection) -> None:
        """Opens the vectors of the encoder that `spec` names."""
        self._spec, self._collection = spec, collection
        self.images, self.queries = collection.images(spec.encoder), collection.queries(spec.encoder)
        same_space(self.images, self.queries)
        self.rows = self.images.find("image", collection.gallery)
        self._means: dict[str, _Means] = {}
        self._texts: dict[tuple[str, Words], Floats] = {}
        if spec.centre != "none":
            for subtopic in collection.subtopics[:1]:  # what is missing is told before anything is ranked
                self._of(subtopic)

    def drawings(self, subtopic: Subtopic, vectors: Floats) -> Floats:
        """(k, d) drawings of a subtopic's phrase, less their domain's mean and of unit length again."""
        return vectors if self._spec.centre == "none" else centred(vectors, self._of(subtopic).drawings)

    def photographs(self, subtopic: Subtopic) -> Floats | None:
        """(d,) what photographs lose before they are compared with the subtopic's drawings; None: nothing."""
        return None if self._spec.centre == "none" else self._of(subtopic).photographs

    def comparison(self, queries: Callable[[Subtopic], Floats | None], combine: Combine) -> CandidateScorer:
        """A scorer that compares `queries` with the photographs, those less their domain's mean."""
        if self._spec.centre != "kind":  # one mean for all subtopics, so that they can share a pass over the gallery
            subtopic = next(iter(self._collection.subtopics), None)
            centre = self.photographs(subtopic) if subtopic else None
            return VectorScorer(self.images, self.rows, queries, combine, centre)

        def score(subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
            compare = VectorScorer(self.images, self.rows, queries, combine, self.photographs(subtopic))
            return compare(subtopic, candidates)

        return score

    def texts(self, subtopic: Subtopic, query: Words, vectors: Floats) -> Floats:
        """(k, d) texts about a subtopic, less the mean of all topics' texts like it (`kind`: of that kind's)."""
        if self._spec.centre == "none":
            return vectors
        about = self._domain(subtopic)
        if (about, query) not in self._texts:
            rows = self.queries.find(query, sorted({text_key(words) for words in self._words(about, query)}))
            self._texts[about, query] = mean(self.queries.vectors, rows)
        return centred(vectors, self._texts[about, query])

    def _words(self, about: str, query: Words) -> list[str]:
        if query == "caption":
            captions = self._collection.captions
            return [captions[drawing] for drawing in self._topical(about) if drawing in captions]
        return [self._collection.text_of(s, query) for s in self._collection.subtopics if self._same(s, about)]

    def _domain(self, subtopic: Subtopic) -> str:
        return self._collection.kind(subtopic.entity_id) if self._spec.centre == "kind" else _ALL

    def _same(self, subtopic: Subtopic, about: str) -> bool:
        return about == _ALL or self._collection.kind(subtopic.entity_id) == about

    def _of(self, subtopic: Subtopic) -> _Means:
        about = self._domain(subtopic)
        if about not in self._means:
            self._means[about] = self._measure(about)
        return self._means[about]

    def _measure(self, about: str) -> _Means:
        spec, topical = self._spec, self._topical(about)
        generic = self._collection.drawing_ids(spec.images, purpose="generic")
        centring = generic if spec.centre == "generic" else topical
        if not centring:
            purpose = "generic" if spec.centre == "generic" else "topic"
            raise FieldguideError(
                f"centre: {spec.centre} needs drawings of {purpose} prompts and there are none; "
                "set visualize.generic_prompts in params.yaml, or another centre"
            )
        domain = self.rows
        if spec.reach is not None:
            drawn = self.queries.rows("drawing", topical)
            domain = domain[reached(drawn, self.images.vectors, domain, spec.reach)]
        return _Means(
            mean(self.queries.vectors, self.queries.find("drawing", centring)), mean(self.images.vectors, domain)
        )

    def _topical(self, about: str) -> Sequence[str]:
        """Drawings of the topics' phrases: all, or those of one kind of entities."""
        if about == _ALL:
            return self._collection.drawing_ids(self._spec.images, purpose="topic")
        phrases = {self._collection.phrases[s.subtopic_id] for s in self._collection.subtopics if self._same(s, about)}
        found = (self._collection.drawing_ids(self._spec.images, purpose="topic", prompt=p) for p in phrases)
        return sorted({drawing for ids in found for drawing in ids})
