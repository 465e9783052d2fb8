"""Photographs compared together with their twins, drawings of their captions; those without a twin are left out."""

from __future__ import annotations

import numpy as np

from fieldguide.core.errors import FieldguideError
from fieldguide.records.embeddings import Embeddings
from fieldguide.retrieval.search import DECIMALS, Floats, blocks, similarities
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.registry import Rows


class Twinned:
    """The gallery, each photograph's vector added to its twin's.

    Raises:
        FieldguideError: no photograph has a twin, or twins were not encoded.
    """

    def __init__(self, collection: SearchCollection, images: Embeddings, queries: Embeddings) -> None:
        twins = [collection.twins.get(image_id) for image_id in collection.gallery]
        if not any(twins):
            raise FieldguideError(
                "no photograph of the gallery has a twin: set caption.twins in params.yaml to true, beside a captioner "
                "(caption.captioner) and a generator (visualize.generator)"
            )
        self._images, self._queries = images.vectors, queries.vectors
        self._has = np.array([twin is not None for twin in twins])
        self._photographs = images.find("image", collection.gallery)
        self._twins = np.zeros(len(twins), dtype=np.intp)
        self._twins[self._has] = queries.find("twin", [twin for twin in twins if twin is not None])
        self._lengths = np.full(len(twins), np.inf, dtype=np.float32)
        self._lengths[self._has] = self._sums(self._photographs[self._has], self._twins[self._has])

    def similarities(self, query: Floats, candidates: Rows) -> Floats:
        """(q, m) cosine similarities of queries with photograph + twin of the candidates; NaN for one without a twin.

        Args:
            query: (q, d), rows of unit length.
            candidates: (m,) rows of the gallery.
        """
        has = self._has[candidates]
        chosen = candidates[has]
        both = similarities(query, self._images, self._photographs[chosen])
        both += similarities(query, self._queries, self._twins[chosen])
        result = np.full((len(query), len(candidates)), np.nan, dtype=np.float32)
        result[:, has] = both / self._lengths[chosen]
        return result

    def _sums(self, photographs: Rows, twins: Rows) -> Floats:
        """(m,) lengths of photograph + twin; infinite where the two cancel out: the sum resembles nothing."""
        pairs = zip(blocks(self._images, photographs), blocks(self._queries, twins), strict=True)
        lengths = np.concatenate([np.linalg.norm(shown + drawn, axis=1) for (_, shown), (_, drawn) in pairs])
        lengths = np.round(lengths, DECIMALS)
        return np.where(lengths > 0, lengths, np.inf).astype(np.float32)
