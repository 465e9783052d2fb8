"""Asking an index, and what it misses."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json, sha256_file
from fieldguide.records.embeddings import Embeddings
from fieldguide.retrieval.index.build import CODES, META, IndexMeta, Rows
from fieldguide.retrieval.index.section import AnyIndex, HnswIndex, IvfIndex
from fieldguide.retrieval.search import Floats, nearest


class OpenIndex:
    """An index opened for asking. It serves the encoder revision that it was built of, and no other."""

    def __init__(self, meta: IndexMeta, codes: Any) -> None:
        self.meta = meta
        self._codes = codes

    @classmethod
    def open(cls, folder: Path) -> OpenIndex:
        """Open a folder that `build_index` made.

        Raises:
            FieldguideError: a file is missing, damaged, or not what its name says.
        """
        import faiss

        values = read_json(folder / META)
        if not isinstance(values, dict) or set(values) != {f.name for f in fields(IndexMeta)}:
            raise FieldguideError(f"{folder / META}: not of an index; remove {folder}, it will be built again")
        meta = IndexMeta(**values)
        # faiss trusts its files: only bytes that we wrote reach it.
        if not (folder / CODES).is_file() or sha256_file(folder / CODES) != meta.sha256:
            raise FieldguideError(f"{folder / CODES}: missing or damaged; remove {folder}, it will be built again")
        return cls(meta, faiss.read_index(str(folder / CODES)))

    def search(self, queries: Floats, spec: AnyIndex, *, revision: str) -> Rows:
        """Places in the chosen rows of images that are worth comparing: (q, spec.shortlist), -1 where fewer were found.

        Args:
            queries: (q, d), rows of unit length.
            spec: the section that the index was built by; says how hard it is to look.
            revision: of the encoder of the queries.

        Raises:
            FieldguideError: the index is of another encoder revision.
        """
        if revision != self.meta.revision:
            raise FieldguideError(
                f"the {self.meta.kind} index is of revision {self.meta.revision[:12]} of encoder {self.meta.encoder}, "
                f"the queries are of revision {revision[:12]}; run `dvc repro`, so that both are of one"
            )
        if isinstance(spec, IvfIndex):
            self._codes.nprobe = spec.probes
        if isinstance(spec, HnswIndex):
            self._codes.hnsw.efSearch = max(spec.effort, spec.shortlist)
        count = min(spec.shortlist, self.meta.images)
        _, places = self._codes.search(np.ascontiguousarray(queries, dtype=np.float32), count)
        return np.asarray(places, dtype=np.intp)


def recall(
    places: Rows, queries: Floats, images: Embeddings, rows: Rows, depth: int, centre: Floats | None = None
) -> float:
    """Share of the exact `depth` nearest images that are among the proposed ones, mean over queries (recall@depth).

    Args:
        places: (q, n) places in `rows`, as `OpenIndex.search` gives them for `queries`.
        images, rows, centre: what the index is of.
    """
    exact, _ = nearest(queries, images.vectors, rows, depth, centre)
    return float(np.mean([np.isin(best, found).mean() for best, found in zip(exact, places, strict=True)]))
