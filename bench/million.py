"""`python -m bench.million [--images 1000000] [--folder F]`: a corpus of small photographs through the whole way.

JPEGs of some 2 kB in one tar, a thousand entities, 100 topics of two, five systems. Every step is a process of its own;
told are its seconds by the clock, microseconds an image, and the most memory that it or one of its processes held. At
the end one photograph more, and all of it again. Bare figures are of the same machine in the same run: decoding and
hashing by Pillow, hashlib and imagehash in one process a core, and the matrix product of all queries and images.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import itertools
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fieldguide.annotation.judgments import labels, log
from fieldguide.annotation.judgments.adjudication import adjudicate, grade_definitions, write_qrels
from fieldguide.annotation.judgments.guidelines import DATASET_LABEL
from fieldguide.core.files import write_json, write_tar
from fieldguide.core.paths import Paths
from fieldguide.evaluation.leaderboard.evaluate import evaluate, write_evaluation
from fieldguide.params import Params, parse_params
from fieldguide.publishing.release.make import make_release
from fieldguide.queries.visuals.drawing.twins import write_no_twins
from fieldguide.records.embeddings import Embeddings, text_key, write_embeddings
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS
from fieldguide.records.topics import Phrase, Topic, read_topics, topic_id, write_records
from fieldguide.retrieval.pooling.pool import pool_runs, pools_by_subtopic
from fieldguide.retrieval.ranking.kept import SearchTrack, rank_system, write_ranked
from fieldguide.retrieval.search import QUERIES
from fieldguide.retrieval.systems.collection import SearchCollection
from tests.builders import ENCODER, _drawings, tiny_params
from tests.finished import finish

DIMENSION, TOPICS, SAMPLE, CORES = 512, 100, 20_000, len(os.sched_getaffinity(0))
SYSTEMS: dict[str, dict[str, Any]] = {
    "random": {"kind": "random", "seed": 1},
    "text": {"kind": "text", "encoder": ENCODER, "query": "question"},
    "phrase": {"kind": "text", "encoder": ENCODER, "query": "phrase"},
    "visret": {"kind": "visret", "encoder": ENCODER, "images": 2},
    "centred": {"kind": "visret", "encoder": ENCODER, "images": 2, "centre": "generic"},
}


def parameters() -> Params:
    """The miniature's, of these systems and one tar."""
    values = tiny_params().model_dump(mode="json", exclude_none=True) | {"systems": SYSTEMS}
    values["ingest"] |= {
        "sources": [{"name": "photos", "kind": "tar", "path": "data/input/photos.tar", "train_share": 0.02}],
        "shards": 64,
    }
    values["retrieve"] |= {"systems": list(SYSTEMS), "depth": 100}
    values["pool"] |= {"systems": list(SYSTEMS), "depth": 20, "sample": 10}
    return parse_params(values)


def photographs(count: int, first: int = 0) -> Iterator[tuple[str, bytes]]:
    """JPEGs of smooth noise, 96 pixels wide, in folders of a thousand entities."""
    for number in range(first, first + count):
        noise = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=85)
        yield f"e{number % 1000:04}/{number:07}.jpg", stream.getvalue()


class StandIn:
    """An encoder whose vectors are some pixels, turned: what surrounds an encoder is measured, not the encoder."""

    name, revision, dimension, modalities = ENCODER, "stand-in", DIMENSION, frozenset({"image"})

    def __init__(self) -> None:
        self._turn = np.random.default_rng(0).normal(size=(192, DIMENSION)).astype(np.float32)

    def encode_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """(n, dimension) float32, of unit length."""
        pixels = np.stack([np.asarray(image.resize((8, 8)), np.float32).ravel() for image in images])
        vectors = (pixels - 127.5) @ self._turn
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def bare(datas: Sequence[bytes]) -> float:
    """Seconds of decoding and hashing, by the libraries alone."""
    import imagehash

    start = time.perf_counter()
    for data in datas:
        hashlib.sha256(data).hexdigest()
        imagehash.phash(Image.open(io.BytesIO(data)).convert("RGB"))
    return time.perf_counter() - start


def decode_and_hash(paths: Paths) -> str:
    """What two processes need for an image of the tar, by the libraries alone."""
    with tarfile.open(paths.root / "data/input/photos.tar", "r|") as tar:
        files = (tar.extractfile(member) for member in itertools.islice(tar, SAMPLE * CORES))
        datas = [file.read() for file in files if file is not None]
    with ProcessPoolExecutor(CORES) as pool:
        list(pool.map(bare, [datas[:100]] * CORES))  # imports
        seconds = list(pool.map(bare, [datas[n::CORES] for n in range(CORES)]))
    return f"{max(seconds) / len(datas) * 1e6:.0f} us an image"


def ingest(paths: Paths) -> str:
    """By processes."""
    from fieldguide.runtime.builds.server import server

    values = parameters().model_dump(mode="json", exclude_none=True)
    write_json(paths.root / "params.yaml", values | {"task_runner": {"kind": "processes"}})
    with server(paths.root) as address:
        start = time.perf_counter()
        environment = {**os.environ, "PREFECT_API_URL": address}
        done = subprocess.run(
            [sys.executable, "-m", "flows.ingest"], env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        seconds = time.perf_counter() - start
    told = [line for line in done.stdout.splitlines() if line.startswith("read ")]
    return f"{seconds:.1f} s without Prefect's server starting: {told[-1]}"


def embed(paths: Paths) -> str:
    """With the stand-in, by threads."""
    from fieldguide.corpus.store.items import ITEM_COLUMNS, image_items
    from fieldguide.corpus.store.shards import read_images
    from fieldguide.retrieval.encoding.encode import encode

    items = image_items(read_images(paths, ITEM_COLUMNS), paths)
    done = encode(items, StandIn(), paths.embeddings(ENCODER), paths.cache / "embeddings", dtype="float16", batch=256)
    return f"{done.encoded} of {done.rows} encoded"


def topics(paths: Paths) -> str:
    """A hundred questions about two of the thousand entities each, and vectors of all that is asked with."""
    names = [f"e{n:04}" for n in range(2 * TOPICS)]
    made = [_topic(*pair) for pair in zip(names[::2], names[1::2], strict=True)]
    made.sort(key=lambda topic: topic.topic_id)
    write_records(paths.topics, made)
    write_records(paths.refused_topics, [])
    phrases = [Phrase(s.subtopic_id, f"a photo of {s.entity_id}", "template") for t in made for s in t.subtopics]
    write_records(paths.phrases, sorted(phrases, key=lambda phrase: phrase.subtopic_id))
    write_records(paths.components, [])
    _knowledge(paths, names)
    rng = np.random.default_rng(0)
    drawings = _drawings(paths, sorted({phrase.text for phrase in phrases}), rng)
    write_no_twins(paths)
    keys = {("question", text_key(t.text)) for t in made} | {("phrase", text_key(p.text)) for p in phrases}
    keys |= {("drawing", drawing) for drawing in drawings}
    vectors = rng.normal(size=(len(keys), DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_embeddings(
        paths.queries(ENCODER), sorted(keys), [(np.arange(len(keys)), vectors)], encoder=ENCODER,
        revision=StandIn.revision, dtype="float16", dimension=DIMENSION,
    )  # fmt: skip
    return f"{len(keys)} vectors"


def _topic(one: str, other: str) -> Topic:
    entities, text = (one, other), f"Which has a stem, {one} or {other}?"
    return Topic(
        topic_id=topic_id("which", text, entities, "stem"), kind="comparison", form="which", text=text,
        entities=entities, feature="stem", part="stem", answer=one, values={one: "yes", other: "no"},
        provenance={"template": "which"},
    )  # fmt: skip


def _knowledge(paths: Paths, names: Sequence[str]) -> None:
    entities = [
        {"entity_id": e, "name": e, "aliases": [], "taxonomy": ["thing", e], "description": "", "source": "curated"}
        for e in names
    ]
    attributes = [
        {"entity_id": e, "feature": "stem", "part": "stem", "value": "yes" if n % 2 == 0 else "no",
         "source": "curated", "evidence": "seen"}
        for n, e in enumerate(names)
    ]  # fmt: skip
    ENTITIES.write(paths.entities, ENTITIES.frame(entities))
    ATTRIBUTES.write(paths.attributes, ATTRIBUTES.frame(attributes))
    GROUPS.write(paths.groups, GROUPS.frame([]))


def retrieve(paths: Paths) -> str:
    """The whole gallery by all systems."""
    params = parameters()
    write_ranked(paths, params.retrieve.systems, params.systems, params.probe.systems)
    collection = SearchCollection(paths)
    for name in SYSTEMS:
        rank_system(name, params.systems[name], collection, SearchTrack("fullrank", params.retrieve))
    return ""


def products(paths: Paths) -> str:
    """The matrix products of what `retrieve` compares, in single precision, and nothing else."""
    images, queries = Embeddings.open(paths.embeddings(ENCODER)), Embeddings.open(paths.queries(ENCODER))
    asked = [queries.vectors[queries.find(k, queries.keys(k))].astype(np.float32) for k in ("question", "phrase")]
    drawings = queries.vectors[queries.find("drawing", queries.keys("drawing"))].astype(np.float32)
    seconds = 0.0
    for place in range(0, len(images.vectors), 1 << 16):
        block = images.vectors[place : place + (1 << 16)].astype(np.float32)
        start = time.perf_counter()
        for vectors in (*asked, drawings, drawings):
            for first in range(0, len(vectors), QUERIES):
                vectors[first : first + QUERIES] @ block.T
        seconds += time.perf_counter() - start
    return f"{seconds:.1f} s of products"


def pool(paths: Paths) -> str:
    """Of all systems."""
    return f"{len(pool_runs(parameters().pool, paths))} images pooled"


def judge(paths: Paths) -> str:
    """By the data set's labels."""
    pools = POOLS.read(paths.pools)
    subtopics = {s.subtopic_id: s for topic in read_topics(paths.topics) for s in topic.subtopics}
    judged = log.write(
        paths.judgments, labels.judge(pools, subtopics, IMAGES.read(paths.images, ["image_id", "entity_id", "split"]))
    )
    decided = adjudicate(judged.entries, pools)
    write_qrels(paths.qrels, decided.qrels, grade_definitions([DATASET_LABEL], judged))
    return f"{len(decided.qrels)} judged"


def rerank(paths: Paths) -> str:
    """Each pool, by all systems."""
    params, collection = parameters(), SearchCollection(paths)
    track = SearchTrack("rerank", pools=pools_by_subtopic(POOLS.read(paths.pools)))
    for name in SYSTEMS:
        rank_system(name, params.systems[name], collection, track)
    return ""


def score(paths: Paths) -> str:
    """On both tracks."""
    params = parameters()
    write_evaluation(paths.evaluation, evaluate(params.evaluate, params.retrieve.systems, paths))
    return ""


def others(paths: Paths) -> str:
    """What a release has besides: checks, fitness, fidelity, probes, answers, made as for a miniature."""
    finish(paths, parameters())
    return ""


def release(paths: Paths) -> str:
    """Without photographs, whose licence nobody states."""
    made = make_release(parameters(), paths)
    return f"{made.images} images in {made.files} files"


STEPS: dict[str, Callable[[Paths], str]] = {
    step.__name__: step
    for step in (
        decode_and_hash,
        ingest,
        embed,
        topics,
        retrieve,
        products,
        pool,
        judge,
        rerank,
        score,
        others,
        release,
    )
}
AGAIN = ("ingest", "embed", "retrieve", "pool", "judge", "rerank", "score", "release")


def measured(name: str, folder: Path, images: int) -> None:
    """Run a step in a process of its own and print what it took."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "bench.million", "--step", name, "--folder", str(folder)]
    found = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, env=found)
        _, status, usage = os.wait4(process.pid, 0)  # and not `wait`: it tells the memory
        output.seek(0)
        told = output.read().splitlines()
    if status:
        raise SystemExit(f"{name} failed")
    seconds, memory = time.perf_counter() - start, usage.ru_maxrss / 2**20
    print(f"{name:<16}{seconds:>8.1f} s{seconds / images * 1e6:>8.1f} us{memory:>7.2f} GiB  {told[-1]}", flush=True)


def main() -> None:
    """Print a line a step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="is kept; otherwise everything is removed at the end")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        os.chdir(asked.folder)
        print(STEPS[asked.step](Paths()))
        return
    with contextlib.ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tar = folder / "data/input/photos.tar"
        write_tar(tar, photographs(asked.images))
        print(f"{asked.images:,} images, {tar.stat().st_size / 1e9:.2f} GB, {CORES} cores")
        for name in STEPS:
            measured(name, folder.absolute(), asked.images)
        write_tar(tar, photographs(asked.images + 1))
        print("one photograph more")
        for name in AGAIN:
            measured(name, folder.absolute(), asked.images)


if __name__ == "__main__":
    main()
