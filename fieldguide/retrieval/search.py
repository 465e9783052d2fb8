"""Exact search: cosine similarity of queries and a memory-mapped gallery, block by block.

Memory is one block of the gallery in float32 and one float32 a (query, image) pair. At a million images of
1,280 dimensions 64 queries cost 256 MB of scores and one pass over 2.6 GB of float16; beyond some ten
million images on one machine an index (fieldguide/retrieval/index/) is needed instead.

A matrix product and not faiss, because `bench/search.py` shows it to be the faster of the two: faiss keeps a gallery of
its own in memory, and a product of 64 queries is bound by arithmetic, which both leave to the same library.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fieldguide.records.embeddings import forget_pages

Floats = npt.NDArray[np.float32]
DECIMALS = 6
_BLOCK = 8192
QUERIES = 64
"""So many queries share one pass over the gallery."""
_TILE = 48


def blocks(vectors: npt.NDArray[np.floating], rows: npt.NDArray[np.intp]) -> Iterator[tuple[slice, Floats]]:
    """The chosen rows of a memory-mapped matrix as float32, `_BLOCK` at a time, with their place in `rows`."""
    for start in range(0, len(rows), _BLOCK):
        place = slice(start, min(start + _BLOCK, len(rows)))
        chosen = rows[place]
        # Neighbouring rows are read as they lie on the disk; a copy of chosen rows takes twice as long.
        together = chosen[-1] - chosen[0] == len(chosen) - 1 and bool((np.diff(chosen) == 1).all())
        source = vectors[chosen[0] : chosen[-1] + 1] if together else vectors[chosen]
        yield place, np.asarray(source, dtype=np.float32)
    forget_pages(vectors)


def mean(vectors: npt.NDArray[np.floating], rows: npt.NDArray[np.intp]) -> Floats:
    """Mean vector of the chosen rows, summed in float64: the centre of a domain."""
    total = np.zeros(vectors.shape[1], dtype=np.float64)
    for _, block in blocks(vectors, rows):
        total += block.sum(axis=0, dtype=np.float64)
    return (total / max(len(rows), 1)).astype(np.float32)


def centred(vectors: Floats, centre: Floats) -> Floats:
    """Vectors less `centre`, of unit length again. A vector that is the centre stays zero: it resembles nothing."""
    return unit(vectors - centre)


def unit(vectors: Floats) -> Floats:
    """Rows of unit length. A row of zeros stays what it is."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 1e-12), dtype=np.float32)


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
        bits of a matrix product, which vary with the number of threads and the machine.
    """
    result = np.empty((len(queries), len(rows)), dtype=np.float32)
    groups = [slice(start, start + QUERIES) for start in range(0, len(queries), QUERIES)]
    for place, block in blocks(vectors, rows):
        images = block if centre is None else centred(block, centre)
        for group in groups:
            found = _full(queries[group]) @ _full(images).T
            result[group, place] = found[: len(queries[group]), : len(images)]
    return np.round(result, DECIMALS, out=result)


def _full(vectors: Floats) -> Floats:
    """Vectors and rows of zeros, up to a multiple of `_TILE`.

    Products of fewer rows or columns take kernels of their own, which add up in another order: with whole tiles, the
    last bits of a similarity depend neither on how many queries are asked beside it, nor on how many images there are,
    by OpenBLAS's kernels for AVX-512 and for AVX, which steps are run with (fieldguide/runtime/environment.py).
    """
    lacking = -len(vectors) % _TILE
    return np.pad(vectors, ((0, lacking), (0, 0))) if lacking else vectors


def nearest(
    queries: Floats,
    vectors: npt.NDArray[np.floating],
    rows: npt.NDArray[np.intp],
    depth: int,
    centre: Floats | None = None,
) -> tuple[npt.NDArray[np.intp], Floats]:
    """The exact `depth` most similar of the chosen rows, best first, equal similarities by falling place as in a run.

    Args:
        queries, vectors, rows, centre: as `similarities`; `rows` in the order of their image_ids.
        depth: at least 1; all rows where there are fewer.

    Returns:
        Places in `rows` and their similarities, both (q, min(depth, m)).
    """
    depth = min(depth, len(rows))
    places = np.empty((len(queries), depth), dtype=np.intp)
    scores = np.empty((len(queries), depth), dtype=np.float32)
    for start in range(0, len(queries), QUERIES):
        for number, found in enumerate(similarities(queries[start : start + QUERIES], vectors, rows, centre), start):
            places[number] = best(found, depth)
            scores[number] = found[places[number]]
    return places, scores


def best(scores: Floats, depth: int) -> npt.NDArray[np.intp]:
    """Places of the `depth` greatest of (n,) scores, 1 <= depth <= n, best first, equal ones by falling place."""
    least = np.partition(scores, len(scores) - depth)[len(scores) - depth]
    reachable = np.flatnonzero(scores >= least)
    order: npt.NDArray[np.intp] = reachable[np.lexsort((reachable, scores[reachable]))[::-1]]
    return order[:depth]


def reached(
    queries: Floats, vectors: npt.NDArray[np.floating], rows: npt.NDArray[np.intp], depth: int
) -> npt.NDArray[np.intp]:
    """Places in `rows` among the `depth` most similar of at least one query, ties included, in rising order."""
    found = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(queries), QUERIES):
        similar = similarities(queries[start : start + QUERIES], vectors, rows)
        cut = max(len(rows) - depth, 0)
        found |= (similar >= np.partition(similar, cut, axis=1)[:, cut, None]).any(axis=0)
    return np.flatnonzero(found)
