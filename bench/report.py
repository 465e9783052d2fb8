"""`python -m bench.report [--topics 500] [--images 20000]`: what a large report costs.

A benchmark in miniature grows to so many topics and images, twelve systems and the first 50 images of each; then its
report is written, and its first page and its list of topics are opened in Chromium, where there is one. Seconds, peak
memory, and the size of the pages.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from fieldguide.core.files import read_json, sha256_bytes, write_json, write_tar
from fieldguide.core.paths import Paths
from fieldguide.params import Params, parse_params
from fieldguide.publishing.report.page import write_report
from fieldguide.records.images import IMAGES
from fieldguide.records.runs import TRACKS
from fieldguide.records.scores import SCORES
from fieldguide.records.topics import Phrase, read_phrases, read_topics, write_records
from tests.builders import ENCODER, ENTITIES, _embed, tiny_params
from tests.finished import finished_benchmark

TOP = 50
MORE = [f"system-{number}" for number in range(9)]
_SHARD = 5000


def large_params() -> Params:
    """The miniature's parameters with twelve systems."""
    values = tiny_params().model_dump(mode="json", exclude_none=True)
    values["systems"] |= {name: {"kind": "text", "encoder": ENCODER, "query": "question"} for name in MORE}
    values["retrieve"]["systems"] += MORE
    values["report"]["top"] = TOP
    return parse_params(values)


def grow(paths: Paths, params: Params, topics: int, images: int) -> None:
    """Add images, topics, runs and scores to a finished miniature."""
    rng = np.random.default_rng(0)
    ids = _images(paths, images, rng)
    subtopics = _topics(paths, topics)
    for track in TRACKS:
        for system in params.retrieve.systems:
            with paths.run(track, system).open("w") as stream:
                for subtopic in subtopics:
                    for rank, place in enumerate(rng.choice(len(ids), TOP, replace=False), 1):
                        stream.write(f"{subtopic} Q0 {ids[place]} {rank} {1 - rank / 100:.4f} {system}\n")
    board = paths.evaluation / "leaderboard.json"
    rows = read_json(board)
    write_json(board, rows + [row | {"system": name} for name in MORE for row in rows if row["system"] == "text"])
    known = SCORES.read(paths.evaluation / "scores.parquet")
    line = known[known["measure"] == params.evaluate.headline].iloc[0].to_dict() | {"track": "fullrank"}
    scores = [
        line | {"system": system, "topic_id": name.partition(".")[0], "subtopic_id": name, "value": float(rng.random())}
        for system in params.retrieve.systems
        for name in subtopics
    ]
    SCORES.write(paths.evaluation / "scores.parquet", pd.DataFrame(scores))


def _images(paths: Paths, count: int, rng: np.random.Generator) -> list[str]:
    """So many JPEGs of 320 x 240 more, a quarter without an entity; the ids of all."""
    known, noise = IMAGES.read(paths.images), rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    proto, entities, rows = known.iloc[0].to_dict(), list(ENTITIES), []
    for start in range(0, count, _SHARD):
        members = sorted(_jpegs(noise, range(start, min(start + _SHARD, count))))
        shard = f"1{start // _SHARD:04}.tar"
        placed = write_tar(paths.shards / shard, [(f"{digest[:16]}.jpg", data) for digest, data in members])
        rows += [
            proto | {
                "image_id": digest[:16], "sha256": digest, "split": "gallery", "format": "JPEG", "width": 320,
                "height": 240, "entity_id": entities[number % 3] if number % 4 else None, "source_key": digest,
                "shard": shard, "offset": place.offset, "size": place.size,
            }
            for number, ((digest, _), place) in enumerate(zip(members, placed, strict=True))
        ]  # fmt: skip
    every = pd.concat([known, IMAGES.frame(rows)], ignore_index=True).sort_values("image_id", ignore_index=True)
    IMAGES.write(paths.images, every)
    _embed(paths.embeddings(ENCODER), [("image", image) for image in every["image_id"]], rng)
    return [row["image_id"] for row in rows]


def _jpegs(noise: np.ndarray, numbers: range) -> list[tuple[str, bytes]]:
    made = []
    for number in numbers:
        pixels = noise.copy()
        pixels[0, 0] = (number % 256, number // 256 % 256, 7)
        stream = io.BytesIO()
        Image.fromarray(pixels).resize((320, 240), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=80)
        made.append((sha256_bytes(stream.getvalue() + str(number).encode()), stream.getvalue()))
    return made


def _topics(paths: Paths, count: int) -> list[str]:
    """Copies of the comparisons, up to so many topics; the ids of all subtopics."""
    topics, phrases = read_topics(paths.topics), list(read_phrases(paths.phrases))
    comparisons, text = [topic for topic in topics if topic.kind == "comparison"], phrases[0].text
    while len(topics) < count:
        like, number = comparisons[len(topics) % len(comparisons)], len(topics)
        topics.append(dataclasses.replace(like, topic_id=f"t{number:08x}", text=f"{like.text} ({number})"))
        phrases += [Phrase(subtopic.subtopic_id, text, "template") for subtopic in topics[-1].subtopics]
    write_records(paths.topics, sorted(topics, key=lambda topic: topic.topic_id))
    write_records(paths.phrases, sorted(phrases, key=lambda phrase: phrase.subtopic_id))
    return sorted(subtopic.subtopic_id for topic in topics for subtopic in topic.subtopics)


def opened(address: str) -> float | None:
    """Seconds until a page is drawn and its scripts have run, in Chromium; None where there is none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]).new_page()
        page.goto("about:blank")
        start = time.perf_counter()
        page.goto(address)
        return time.perf_counter() - start


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topics", type=int, default=500)
    parser.add_argument("--images", type=int, default=20_000)
    asked, params = parser.parse_args(), large_params()
    with tempfile.TemporaryDirectory() as folder:
        paths = finished_benchmark(Path(folder), tiny_params())
        grow(paths, params, asked.topics, asked.images)
        start = time.perf_counter()
        made = write_report(params, paths)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{made.topics} topics, {len(params.retrieve.systems)} systems, top {TOP}, {made.images} images")
        print(f"written in {seconds:.1f} s; peak {peak:.0f} MiB; pages {made.size / 1e6:.0f} MB")
        for name in ("index.html", "topics.html"):
            size, took = (paths.report.parent / name).stat().st_size, opened((paths.report.parent / name).as_uri())
            print(f"{name}: {size / 1e3:.0f} kB" + ("" if took is None else f", opened in {took:.2f} s"))


if __name__ == "__main__":
    main()
