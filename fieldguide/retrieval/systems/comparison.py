"""What most systems do: compare the vectors of queries with those of photographs, and combine the similarities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldguide.core.errors import FieldguideError
from fieldguide.records.embeddings import Embeddings
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.search import Floats, similarities
from fieldguide.retrieval.systems.registry import Rows


@dataclass(frozen=True)
class VectorScorer:
    """A scorer by similarity of vectors: many subtopics can share a pass over the gallery, or an index can be asked.

    Attributes:
        images: the corpus in one encoder's space.
        rows: of each image of the gallery in `images.vectors`.
        queries: (k, d) query vectors of a subtopic; None if there is nothing to rank by.
        combine: one score an image of (k, n) similarities and the n candidates that they are of.
        centre: (d,) taken from the photographs' vectors before the cosine.
    """

    images: Embeddings
    rows: Rows
    queries: Callable[[Subtopic], Floats | None]
    combine: Callable[[Floats, Rows], npt.NDArray[np.floating]]
    centre: Floats | None = None

    def __call__(self, subtopic: Subtopic, candidates: Rows) -> npt.NDArray[np.floating] | None:
        """As `CandidateScorer`."""
        queries = self.queries(subtopic)
        return None if queries is None else self.combine(self.compare(queries, candidates), candidates)

    def compare(self, queries: Floats, candidates: Rows) -> Floats:
        """(q, n) similarities of queries with candidates."""
        return similarities(queries, self.images.vectors, self.rows[candidates], self.centre)


def same_space(images: Embeddings, queries: Embeddings) -> None:
    """Refuse vectors of two revisions of an encoder: they lie in different spaces.

    Raises:
        FieldguideError: they do.
    """
    ours, theirs = images.meta.revision[:12], queries.meta.revision[:12]
    if images.meta.revision != queries.meta.revision:
        raise FieldguideError(
            f"{queries.folder} holds vectors of revision {theirs} of encoder {queries.meta.encoder}, {images.folder} "
            f"of revision {ours}; run `dvc repro`, so that both are of one"
        )
