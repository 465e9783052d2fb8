"""`python -m bench.search [IMAGES]`: exact search as it is done here beside faiss, then indexes with what they miss.

Vectors of 512 dimensions around a thousand centres, kept in half precision as `embed` keeps them; 64 queries, the 100
nearest of each. All ways of exact search are run by turns, the least seconds of three rounds count, and they have to
find the same images. faiss is given its gallery ready-made, in memory, in single precision (twice the bytes that
we read) and in half precision. An index proposes, and what it proposes is compared exactly: both are timed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from fieldguide.records.embeddings import Embeddings, write_embeddings
from fieldguide.retrieval import index
from fieldguide.retrieval.index.section import AnyIndex, BinaryIndex, HnswIndex, IvfIndex
from fieldguide.retrieval.search import Floats, best, nearest, similarities

DIMENSION, QUERIES, DEPTH = 512, 64, 100
INDEXES: tuple[AnyIndex, ...] = (
    IvfIndex(kind="ivf", probes=16),
    IvfIndex(kind="ivf", probes=64),
    HnswIndex(kind="hnsw", effort=256),
    BinaryIndex(kind="binary"),
    BinaryIndex(kind="binary", bits=2048),
)


def clustered(count: int, seed: int) -> Floats:
    """Vectors of unit length around a thousand centres."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(1000, DIMENSION)).astype(np.float32)
    vectors = centres[rng.integers(0, len(centres), count)]
    vectors += rng.normal(size=vectors.shape).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def by_turns(ways: dict[str, Callable[[], Any]], rounds: int = 3) -> dict[str, float]:
    """Least wall-clock seconds of each way."""
    taken = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            taken[name] = min(taken[name], time.perf_counter() - start)
    return taken


def exact(images: Embeddings, queries: Floats) -> None:
    """Ours and faiss's exact search, and the bare product in single precision."""
    rows = np.arange(images.meta.rows)
    single = np.asarray(images.vectors, dtype=np.float32)
    flat = faiss.IndexFlatIP(DIMENSION)
    flat.add(single)
    half = faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    half.train(single[:1000])
    half.add(single)
    ways: dict[str, Callable[[], Any]] = {
        "ours: half precision, on disk": lambda: nearest(queries, images.vectors, rows, DEPTH),
        "faiss flat, single, in memory": lambda: flat.search(queries, DEPTH),
        "faiss flat, half, in memory": lambda: half.search(queries, DEPTH),
        "product alone, single, in memory": lambda: queries @ single.T,
    }
    ours = nearest(queries, images.vectors, rows, DEPTH)[1]
    theirs = flat.search(queries, DEPTH)[0]
    if not np.allclose(ours, theirs, atol=2e-6):
        raise SystemExit("ours and faiss do not find the same similarities")
    print(f"{'exact search':<36}{'queries/s':>12}{'ours is':>10}")
    taken = by_turns(ways)
    first = next(iter(taken.values()))
    for name, seconds in taken.items():
        print(f"{name:<36}{len(queries) / seconds:>12.1f}{seconds / first:>9.2f}x", flush=True)


def indexes(images: Embeddings, queries: Floats, folder: Path) -> None:
    """Every index: how long it takes to build, what it finds, and how fast with the exact look at its proposals."""
    rows = np.arange(images.meta.rows)
    print(f"\n{'index':<36}{'queries/s':>12}{'recall@100':>12}{'build s':>10}{'MB':>8}")
    for spec in INDEXES:
        start = time.perf_counter()
        index.build_index(spec, images, rows, None, folder)
        built = time.perf_counter() - start
        opened = index.Index.open(folder)

        def search(opened: index.Index = opened, spec: AnyIndex = spec) -> None:
            proposed = opened.search(queries, spec, revision=opened.meta.revision)
            for query, places in zip(queries, proposed, strict=True):
                candidates = np.sort(places[places >= 0])
                best(similarities(query[None], images.vectors, candidates)[0], DEPTH)

        found = opened.search(queries, spec, revision=opened.meta.revision)
        recall = index.recall(found, queries, images, rows, DEPTH)
        rate = len(queries) / by_turns({"search": search})["search"]
        told = spec.model_dump(exclude={"sample", "seed", "shortlist", "links", "build"}, exclude_none=True)
        name = " ".join(str(value) for value in told.values()) + f", best {spec.shortlist} looked at"
        size = (folder / "index.faiss").stat().st_size / 1e6
        print(f"{name:<36}{rate:>12.1f}{recall:>12.4f}{built:>10.1f}{size:>8.0f}", flush=True)


def main(count: int) -> None:
    """Print both tables."""
    print(f"{count:,} images of {DIMENSION} dimensions, {QUERIES} queries, {faiss.omp_get_max_threads()} threads")
    with tempfile.TemporaryDirectory() as name:
        folder, numbers = Path(name), np.arange(count)
        keys = [("image", f"{n:016x}") for n in numbers]
        blocks = [(part, clustered(len(part), 1 + n)) for n, part in enumerate(np.array_split(numbers, 10))]
        write_embeddings(
            folder / "e", keys, blocks, encoder="bench", revision="bench", dtype="float16", dimension=DIMENSION
        )
        images, queries = Embeddings.open(folder / "e"), clustered(QUERIES, 99)
        exact(images, queries)
        indexes(images, queries, folder / "index")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
