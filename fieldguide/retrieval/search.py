"""Exact search: cosine similarity of queries and a memory-mapped gallery, block by block.

Memory is one block of the gallery in float32 and one float32 a (query, image) pair. At a million images of
1,280 dimensions a query costs 4 MB of scores and one pass over 2.6 GB of float16; beyond some ten
million images on one machine an index is needed instead.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
DECIMALS = 6
_BLOCK = 8192
_QUERIES = 64


def blocks(vectors: npt.NDArray[np.floating], rows: npt.NDArray[np.intp]) -> Iterator[tuple[slice, Floats]]:
    """The chosen rows of a memory-mapped matrix as float32, `_BLOCK` at a time, with their place in `rows`."""
    for start in range(0, len(rows), _BLOCK):
        place = slice(start, min(start + _BLOCK, len(rows)))
        yield place, np.asarray(vectors[rows[place]], dtype=np.float32)


def mean(vectors: npt.NDArray[np.floating], rows: npt.NDArray[np.intp]) -> Floats:
    """Mean vector of the chosen rows, summed in float64: the centre of a domain."""
    total = np.zeros(vectors.shape[1], dtype=np.float64)
    for _, block in blocks(vectors, rows):
        total += block.sum(axis=0, dtype=np.float64)
    return (total / max(len(rows), 1)).astype(np.float32)


def centred(vectors: Floats, centre: Floats) -> Floats:
    """Vectors less `centre`, of unit length again. A vector that is the centre stays zero: it resembles nothing."""
    moved = vectors - centre
    norms = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(np.divide(moved, norms, out=np.zeros_like(moved), where=norms > 1e-12), dtype=np.float32)


def similarities(
    queries: Floats, vectors: npt.NDArray[np.floating], rows: npt.NDArray[np.intp], centre: Floats | None = None
) -> Floats:
    """Cosine similarity of each query with each chosen row of the gallery.

    Args:
        queries: (q, d), rows of unit length (centred by the caller where `centre` is given).
        vectors: (n, d), rows of unit length, memory-mapped or not.
        rows: (m,) which rows of `vectors`.
        centre: (d,) subtracted from the gallery's vectors, which are then scaled to unit length again.

    Returns:
        (q, m) float32 in -1..1, rounded to six decimals: the order of images then does not hang on the last
        bits of a matrix product, which vary with the batch, the number of threads and the machine.
    """
    result = np.empty((len(queries), len(rows)), dtype=np.float32)
    for place, block in blocks(vectors, rows):
        images = block if centre is None else centred(block, centre)
        result[:, place] = queries @ images.T
    return np.round(result, DECIMALS)


def reached(
    queries: Floats, vectors: npt.NDArray[np.floating], rows: npt.NDArray[np.intp], depth: int
) -> npt.NDArray[np.intp]:
    """Places in `rows` among the `depth` most similar of at least one query, ties included, in rising order."""
    found = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(queries), _QUERIES):
        similar = similarities(queries[start : start + _QUERIES], vectors, rows)
        cut = max(len(rows) - depth, 0)
        found |= (similar >= np.partition(similar, cut, axis=1)[:, cut, None]).any(axis=0)
    return np.flatnonzero(found)
