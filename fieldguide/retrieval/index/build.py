"""Building an index of the chosen rows of an embeddings folder with faiss."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldguide.core.files import atomic_directory, content_key, sha256_bytes, sha256_file, write_json
from fieldguide.records.embeddings import Embeddings
from fieldguide.retrieval.index.section import AnyIndex, BinaryIndex, HnswIndex, IvfIndex
from fieldguide.retrieval.search import Floats, blocks, centred

META, CODES = "meta.json", "index.faiss"
_VERSION = 1
_A_LIST = 64  # vectors that k-means sees for each cell; faiss asks for 39 at least
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class IndexMeta:
    """meta.json: what an index is of. `key` is the sha256 of all that determines it, `sha256` that of its codes."""

    kind: str
    encoder: str
    revision: str
    key: str
    images: int
    dimension: int
    sha256: str


def index_key(spec: AnyIndex, images: Embeddings, rows: Rows, centre: Floats | None) -> str:
    """Key of an index. How it is asked (probes, effort, shortlist, sample) is no part of it."""
    building = spec.model_dump(exclude={"probes", "effort", "shortlist", "sample"})
    middle = None if centre is None else sha256_bytes(np.ascontiguousarray(centre, dtype="<f4").tobytes())
    chosen = sha256_bytes(np.ascontiguousarray(rows, dtype="<i8").tobytes())
    return content_key(version=_VERSION, spec=building, embeddings=images.meta.key, rows=chosen, centre=middle)


def build_index(spec: AnyIndex, images: Embeddings, rows: Rows, centre: Floats | None, folder: Path) -> IndexMeta:
    """Write an index of `images.vectors[rows]`, less `centre` where it is given. The same input gives the same bytes.

    Memory: the codes (ivf and hnsw: two bytes a number; binary: one bit), and one block of vectors in float32.
    """
    import faiss

    dimension = images.meta.dimension
    # Codes of signs are compared by Hamming distance, which faiss files under L2.
    metric = faiss.METRIC_L2 if isinstance(spec, BinaryIndex) else faiss.METRIC_INNER_PRODUCT
    codes: Any = faiss.index_factory(dimension, _factory(spec, dimension, len(rows)), metric)
    with one_thread():  # with several, a graph hangs on which of them links first
        if isinstance(spec, HnswIndex):
            codes.hnsw.efConstruction = spec.build
        if isinstance(spec, IvfIndex):
            codes.cp.seed = spec.seed % 2**31
        codes.train(_training_vectors(spec, images, rows, centre))
        for _, block in _blocks(images, rows, centre):
            codes.add(block)
    with atomic_directory(folder) as temporary:
        faiss.write_index(codes, str(temporary / CODES))
        digest = sha256_file(temporary / CODES)
        key, of = index_key(spec, images, rows, centre), images.meta
        meta = IndexMeta(spec.kind, of.encoder, of.revision, key, len(rows), dimension, digest)
        write_json(temporary / META, asdict(meta))
    return meta


def _factory(spec: AnyIndex, dimension: int, images: int) -> str:
    """What faiss calls such an index."""
    if isinstance(spec, IvfIndex):
        return f"IVF{_lists(spec, images)},SQfp16"
    if isinstance(spec, HnswIndex):
        return f"HNSW{spec.links},SQfp16"
    return f"LSH{spec.bits or -(-dimension // 8) * 8}rt"


def _lists(spec: IvfIndex, images: int) -> int:
    """Cells; in a small gallery so few that k-means sees enough vectors for each."""
    return min(spec.lists or round(4 * sqrt(images)), max(images // _A_LIST, 1))


def _training_vectors(spec: AnyIndex, images: Embeddings, rows: Rows, centre: Floats | None) -> Floats:
    """What an index is trained on: evenly spaced rows; k-means needs some for each cell, thresholds and ranges few."""
    wanted = 16_384
    if isinstance(spec, IvfIndex):
        wanted = max(wanted, _A_LIST * _lists(spec, len(rows)))
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(wanted, len(rows))).astype(np.intp))]
    return np.concatenate([block for _, block in _blocks(images, chosen, centre)])


def _blocks(images: Embeddings, rows: Rows, centre: Floats | None) -> Iterator[tuple[slice, Floats]]:
    for place, block in blocks(images.vectors, rows):
        yield place, np.ascontiguousarray(block if centre is None else centred(block, centre))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Have faiss compute on one thread."""
    import faiss

    threads: Any = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
