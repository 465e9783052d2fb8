"""Photographs compared by the vectors of their captions; those without a caption are left out."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from fieldguide.core.errors import FieldguideError
from fieldguide.records.embeddings import Embeddings, text_key
from fieldguide.retrieval.search import Floats, mean, similarities
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import Rows


class Captioned:
    """Where the captions of the gallery lie among the vectors of an encoder's queries.

    Raises:
        FieldguideError: no photograph has a caption, or captions were not encoded.
    """

    def __init__(self, collection: SearchCollection, queries: Embeddings) -> None:
        captions = [collection.captions.get(image_id) for image_id in collection.gallery]
        if not any(captions):
            raise FieldguideError(
                "no photograph of the gallery has a caption: name a captioner in params.yaml (caption.captioner)"
            )
        self._queries = queries
        self._has = np.array([words is not None for words in captions])
        self._rows = np.zeros(len(captions), dtype=np.intp)
        self._rows[self._has] = queries.find("caption", [text_key(words) for words in captions if words is not None])

    @cached_property
    def mean(self) -> Floats:
        """(d,) mean vector of the gallery's captions."""
        return mean(self._queries.vectors, self._rows[self._has])

    def similarities(self, query: Floats, candidates: Rows, centre: Floats | None = None) -> Floats:
        """(q, m) cosine similarities of queries with the candidates' captions; NaN for one without a caption.

        Args:
            query: (q, d), rows of unit length.
            candidates: (m,) rows of the gallery.
            centre: (d,) subtracted from the captions first.
        """
        has = self._has[candidates]
        result = np.full((len(query), len(candidates)), np.nan, dtype=np.float32)
        result[:, has] = similarities(query, self._queries.vectors, self._rows[candidates[has]], centre)
        return result
