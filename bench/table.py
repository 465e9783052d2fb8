"""`python -m bench.table`: the VisRet paper's table over 100 pools of 300 images, beside encoding each pool afresh.

The table's query types are the question, the phrase and three drawings, in one encoder's space (the example's trained
one). Pools are 300 photographs each, drawn from the example's gallery, as pools of questions about the same entities
overlap. Ours is the whole of it, from nothing: encoding what is in any pool once, encoding the queries, ranking, and
writing the runs. Afresh is what a script does that ranks one pool after another: decode and encode its images, encode
the query, rank; some of the pools are run and the seconds multiplied. Both have to rank alike. Needs `make demo`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.run import ROOT
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.items import drawing_items, image_items, text_items
from fieldguide.corpus.store.shards import iter_images, read_images
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.loading.protocols import Encoder
from fieldguide.params import read_params
from fieldguide.queries.visuals.drawing.drawings import read_drawings
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.runs import RunLine, rank_images, write_run
from fieldguide.records.topics import read_phrases, read_topics
from fieldguide.retrieval.encoding.encode import encode
from fieldguide.retrieval.fusion import fuse
from fieldguide.retrieval.search import similarities
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.run import run_system
from fieldguide.retrieval.systems.sections.comparing import TextSystem, VisretSystem

ENCODER, POOLS, IMAGES, SAMPLE, BATCH = "text-tower", 100, 300, 3, 32
SYSTEMS = {
    "question": TextSystem(kind="text", encoder=ENCODER, query="question"),
    "phrase": TextSystem(kind="text", encoder=ENCODER, query="phrase"),
    "visret": VisretSystem(kind="visret", encoder=ENCODER, preset="paper"),
}
Pools = Mapping[str, Sequence[str]]


def drawn_pools(collection: SearchCollection) -> Pools:
    """A pool for each of the first subtopics."""
    rng, gallery = np.random.default_rng(0), np.array(collection.gallery)
    return {s.subtopic_id: sorted(rng.choice(gallery, IMAGES, replace=False)) for s in collection.subtopics[:POOLS]}


def table(paths: Paths, encoder: Encoder, pools: Pools) -> tuple[int, dict[str, list[RunLine]]]:
    """Everything from what lies on the disk to three runs; how many images and texts were encoded."""
    frame, cache = read_images(paths), paths.cache / "embeddings"
    pooled = frame[frame["split"] == "gallery"]
    texts = text_items(read_topics(paths.topics), read_phrases(paths.phrases))
    queries = [*texts, *drawing_items(DRAWINGS.read(paths.drawings), paths)]
    encoded = sum(
        encode(items, encoder, folder, cache, dtype="float16", batch=BATCH).encoded
        for items, folder in (
            (image_items(pooled, paths), paths.embeddings(ENCODER)),
            (queries, paths.queries(ENCODER)),
        )
    )
    runs = {name: list(run_system(name, spec, SearchCollection(paths), pools)) for name, spec in SYSTEMS.items()}
    for name, lines in runs.items():
        write_run(paths.run("rerank", name), lines)
    return encoded, runs


def afresh(paths: Paths, encoder: Encoder, pools: Pools) -> dict[str, list[RunLine]]:
    """The same runs, each pool by itself and for each query type anew."""
    frame = read_images(paths).set_index("image_id", drop=False)
    subtopics = {s.subtopic_id: s for s in SearchCollection(paths).subtopics}
    phrases = {phrase.subtopic_id: phrase.text for phrase in read_phrases(paths.phrases)}
    drawings = {}
    for row, image in read_drawings(paths):
        drawings.setdefault(row.prompt, []).append(image)
    queries: dict[str, Callable[[str], np.ndarray]] = {
        "question": lambda s: encoder.encode_texts([subtopics[s].topic.text]),
        "phrase": lambda s: encoder.encode_texts([phrases[s]]),
        "visret": lambda s: encoder.encode_images(drawings[phrases[s]]),
    }
    runs: dict[str, list[RunLine]] = {}
    for name, query in queries.items():
        for subtopic, pool in pools.items():
            ids, blocks, waiting = [], [], []
            for row, image in iter_images(paths, frame.loc[list(pool)]):
                ids.append(row.image_id)
                waiting.append(image)
                if len(waiting) == BATCH or len(ids) == len(pool):
                    blocks.append(encoder.encode_images(waiting))
                    waiting = []
            order = np.argsort(ids)
            vectors = np.concatenate(blocks)[order].astype(np.float16)
            asked = query(subtopic).astype(np.float16).astype(np.float32)
            scores = fuse(similarities(asked, vectors, np.arange(len(pool))), np.arange(len(pool)), "rrf", 1.0)
            if name != "visret":
                scores = similarities(asked, vectors, np.arange(len(pool)))[0]
            runs.setdefault(name, []).extend(rank_images(subtopic, np.array(ids)[order], scores, name))
    return runs


def timed(work: Callable[[], tuple[int, dict[str, list[RunLine]]]]) -> tuple[float, int, dict[str, list[RunLine]]]:
    start = time.perf_counter()
    encoded, runs = work()
    return time.perf_counter() - start, encoded, runs


def main() -> None:
    """Print seconds of both, the ratio, and what a second run does."""
    params = read_params(ROOT / "params.yaml")
    with tempfile.TemporaryDirectory() as name:
        paths = Paths(Path(name))
        paths.data.mkdir()
        for part in ("corpus", "drawings", "phrases", "topics"):
            (paths.data / part).symlink_to(ROOT / "data" / part)
        encoder = load_encoder(ENCODER, params.encoders[ENCODER], ROOT)
        encoder.encode_texts(["a photo"])  # what is loaded when it is first used is loaded for both
        pools = drawn_pools(SearchCollection(paths))
        some = dict(list(pools.items())[:SAMPLE])
        ours, encoded, runs = timed(lambda: table(paths, encoder, pools))
        again, anew, same = timed(lambda: table(paths, encoder, pools))
        theirs, _, plain = timed(lambda: (0, afresh(paths, encoder, some)))
    if same != runs or any([x for x in runs[n] if x.subtopic_id in some] != plain[n] for n in SYSTEMS):
        raise SystemExit("the runs differ: a ratio of their seconds would say nothing")
    unique = len({image for pool in pools.values() for image in pool})
    whole = theirs * len(pools) / len(some)
    print(f"{len(pools)} pools of {IMAGES} images ({unique} different ones), query types: {', '.join(SYSTEMS)}")
    print(f"ours        {ours:8.1f} s, {encoded} images and texts encoded")
    print(f"afresh      {whole:8.1f} s ({theirs:.1f} s for {len(some)} pools), {whole / ours:.1f} times ours")
    print(f"second run  {again:8.1f} s, {anew} images and texts encoded, the same runs")
    print(f"if no two pools shared an image, the ratio could not exceed {len(SYSTEMS)}, the number of query types")


if __name__ == "__main__":
    main()
