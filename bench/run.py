"""`python -m bench.run [NAME ...]` (`make bench`): throughput beside what is possible, as ratios of one run.

ingest    images/s of ingest from an empty cache, beside decoding alone in as many threads
embed     images/s of embed from an empty cache, beside the bare forward pass on tensors in memory
search    queries/s of exact search, beside the bare matrix product
repro     seconds of a `dvc repro` with nothing to do, beside DVC's own for as many empty stages
tracking  seconds that tracked flows add to a repro of as many stages, Prefect server's start included

`repro` needs a built benchmark (`make demo`). Figures of one machine are no figures of another: read the ratios.
More by themselves: `bench.search` (faiss, indexes), `bench.table` (a table of systems over many pools),
`bench.build` (what a build costs beyond its work).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fieldguide.core.paths import Paths
from fieldguide.params import read_params

ROOT = Path(__file__).resolve().parent.parent
_TRIVIAL = """
from prefect import flow
from fieldguide.runtime.step import run

@flow
def trivial(item: str) -> None:
    print(item)

if __name__ == "__main__":
    run(trivial)
"""


@dataclass(frozen=True)
class Figure:
    """One measurement: ours, what is possible, and the ratio of the two."""

    name: str
    unit: str
    ours: float
    beside: float
    what: str

    @property
    def ratio(self) -> float:
        """Ours over the other: rates want to be near 1 or above, seconds near 1 or below."""
        return self.ours / self.beside


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Least wall-clock seconds of some runs: the one that the machine disturbed least."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def bench_ingest() -> Iterator[Figure]:
    """Ingest of the example's sources against decoding the same bytes."""
    from concurrent.futures import ThreadPoolExecutor

    from fieldguide.corpus.ingest.ingest import ingest
    from fieldguide.corpus.sources.reading import read_source
    from fieldguide.corpus.store.pixels import open_image

    params = read_params(ROOT / "params.yaml").ingest
    unique = {c.data: None for source in params.sources for c in read_source(source, ROOT)}

    def decode() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda data: open_image(data).load(), unique):
                pass

    def fresh() -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "data").mkdir()
            (Path(folder) / "data" / "input").symlink_to(ROOT / "data" / "input")
            ingest(params, Paths(Path(folder)))

    count = len(unique)
    yield Figure("ingest", "images/s", count / seconds(fresh, 2), count / seconds(decode, 2), "decoding alone")


def bench_embed(images: int = 256) -> Iterator[Figure]:
    """Embed of corpus photographs against the model's forward pass on prepared tensors."""
    import torch

    from fieldguide.corpus.store.items import image_items
    from fieldguide.corpus.store.shards import iter_images, read_images
    from fieldguide.models.encoders.registry import load_encoder
    from fieldguide.retrieval.encoding.encode import encode

    params, paths = read_params(ROOT / "params.yaml"), Paths(ROOT)
    frame = read_images(paths).sort_values(["shard", "offset"]).head(images)
    spec, batch = params.encoders["mobilenetv2"], params.embed.batch
    encoder = load_encoder("mobilenetv2", spec, ROOT)

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            out, cache = Path(folder) / "out", Path(folder) / "cache"
            encode(image_items(frame, paths), encoder, out, cache, dtype=spec.dtype, batch=batch)

    network, transform = encoder._network._load()  # type: ignore[attr-defined]
    pictures = [transform(image) for _, image in iter_images(paths, frame)]
    prepared = [
        torch.stack(pictures[i : i + batch]).contiguous(memory_format=torch.channels_last)
        for i in range(0, images, batch)
    ]

    def forward() -> None:
        with torch.inference_mode():
            for tensor in prepared:
                network.features(tensor).mean((2, 3))

    forward()
    yield Figure(
        "embed",
        "images/s",
        images / seconds(whole, 2),
        images / seconds(forward, 2),
        "forward pass alone, batches, all threads",
    )


def bench_search(gallery: int = 100_000, dimension: int = 512, queries: int = 64, depth: int = 100) -> Iterator[Figure]:
    """Exact search with its order and ties against the matrix product alone."""
    from fieldguide.records.runs import rank_images
    from fieldguide.retrieval.search import similarities

    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(gallery, dimension)).astype(np.float16)
    wanted = rng.normal(size=(queries, dimension)).astype(np.float32)
    ids = np.array([f"{n:016x}" for n in range(gallery)])
    rows = np.arange(gallery)
    single = vectors.astype(np.float32)

    def search() -> None:
        for query, scores in enumerate(similarities(wanted, vectors, rows)):
            rank_images(str(query), ids, scores, "bench", depth)

    ours, bare = seconds(search, 2), seconds(lambda: wanted @ single.T)
    yield Figure(f"search of {gallery:,}", "queries/s", queries / ours, queries / bare, "matrix product in memory")


def bench_repro() -> Iterator[Figure]:
    """`dvc repro` of the built benchmark with nothing to do against DVC with as many empty stages."""
    from fieldguide.runtime.builds.repro import stage_names

    def repro(folder: Path) -> None:
        done = subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], cwd=folder, check=False)
        if done.returncode:
            raise SystemExit(f"dvc repro failed in {folder}; `make demo` builds the benchmark first")

    number = len(stage_names(ROOT))
    with tempfile.TemporaryDirectory() as name:
        folder = _empty_stages(Path(name), number, "true")
        repro(folder)
        repro(ROOT)
        ours, bare = seconds(lambda: repro(ROOT)), seconds(lambda: repro(folder))
    yield Figure("dvc repro, nothing to do", "s", ours, bare, f"DVC alone, {number} empty stages")


def bench_tracking() -> Iterator[Figure]:
    """A repro of as many trivial steps as the example has stages: as tracked flow runs, and untracked."""
    from fieldguide.runtime.builds.repro import stage_names
    from fieldguide.runtime.builds.server import server

    number = len(stage_names(ROOT))
    with tempfile.TemporaryDirectory() as name:
        folder = _empty_stages(Path(name), number, f"{sys.executable} -m flows.trivial ITEM")
        for part in ("fieldguide", "flows"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "params.yaml", folder)
        (folder / "flows" / "trivial.py").write_text(_TRIVIAL)

        def repro(**environment: str) -> float:
            start = time.perf_counter()
            command = [sys.executable, "-m", "dvc", "repro", "-q", "--force"]
            subprocess.run(
                command, cwd=folder, check=True, env={**os.environ, **environment}, stdout=subprocess.DEVNULL
            )
            return time.perf_counter() - start

        plain = repro(FIELDGUIDE_TRACK="0")
        start = time.perf_counter()
        with server(folder) as address:
            repro(PREFECT_API_URL=address)
        tracked = time.perf_counter() - start
    what = f"{number} untracked steps; tracking adds {tracked - plain:.1f} s"
    yield Figure("repro of trivial steps", "s", tracked, plain, what)


def _empty_stages(folder: Path, number: int, command: str) -> Path:
    """A DVC repository of that many stages, each with one output."""
    stages = "".join(
        f"  s{i}:\n    cmd: {command.replace('ITEM', str(i))} && touch out{i}\n    outs: [out{i}]\n"
        for i in range(number)
    )
    (folder / "dvc.yaml").write_text(f"stages:\n{stages}")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=folder, check=True)
    return folder


BENCHES = {
    "ingest": bench_ingest,
    "embed": bench_embed,
    "search": bench_search,
    "repro": bench_repro,
    "tracking": bench_tracking,
}


def main() -> None:
    """Run the named benches, or all, and print one line each as it is done."""
    unknown = sorted(set(sys.argv[1:]) - set(BENCHES))
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; allowed: {', '.join(BENCHES)}")
    print(f"{'what':<28}{'ours':>12}{'beside':>12}{'ratio':>8}  unit       beside is")
    for name in sys.argv[1:] or BENCHES:
        for f in BENCHES[name]():
            print(f"{f.name:<28}{f.ours:>12.1f}{f.beside:>12.1f}{f.ratio:>8.2f}  {f.unit:<10} {f.what}", flush=True)


if __name__ == "__main__":
    main()
