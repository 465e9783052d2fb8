"""`python -m bench.annotation [TASKS]`: pushing one-image tasks (10,000) to a real, local Label Studio.

push      seconds until the server holds them, from the plan on the disk; images are addresses
again     seconds of a second push, which finds nothing to do
memory    peak resident MiB of this process and of the server's

The server is one of its own, with an empty SQLite data base, in a temporary folder.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.annotation.planning.plan import make_plan
from fieldguide.annotation.sync.push import Pushed, push
from fieldguide.core.files import content_key
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.plan import PLAN
from fieldguide.records.topics import read_topics
from tests.annotation.planned_benchmark import planned
from tests.annotation.real_server import LabelStudioServer

_SUBTOPICS = 5


def large(root: Path, tasks: int, **annotate: Any) -> tuple[Paths, Params]:
    """The miniature benchmark with as many pooled images; by default asked of one assessor, on pages of one."""
    images = {"kind": "http", "address": "https://images.example/"}
    section = {"page": 1, "images": images, "assessors": ["ada"], "overlap": 1, "repeat_share": 0.0} | annotate
    paths, params = planned(root, name="large", **section)
    corpus = IMAGES.read(paths.images)
    one = corpus.iloc[0].to_dict()
    keys = [content_key(image=n) for n in range(-(-tasks // _SUBTOPICS))]
    rows = [one | {"image_id": key[:16], "sha256": key, "split": "gallery", "source_key": key} for key in keys]
    corpus = pd.concat([corpus, IMAGES.frame(rows)]).sort_values("image_id", ignore_index=True)
    IMAGES.write(paths.images, corpus)
    subtopics = {s.subtopic_id: s for topic in read_topics(paths.topics) for s in topic.subtopics}
    pairs = [(s, key[:16]) for s in sorted(subtopics)[:_SUBTOPICS] for key in keys][:tasks]
    pooled = [
        {"subtopic_id": s, "image_id": i, "systems": ["text"], "ranks": [1], "best_rank": 1, "sampled": False}
        for s, i in sorted(pairs)
    ]
    pools = POOLS.frame(pooled)
    POOLS.write(paths.pools, pools)
    version = read_guideline(paths.annotation / "guidelines.md").version
    PLAN.write(paths.asked, make_plan(pools, subtopics, params.annotate, version))
    return paths, params


def timed(server: LabelStudioServer, paths: Paths, params: Params) -> tuple[float, Pushed]:
    """Seconds of a push, and what it did."""
    start = time.perf_counter()
    pushed = push(server.client(), paths, params.annotate, params.release.name)
    return time.perf_counter() - start, pushed


def peak_of(server: LabelStudioServer) -> float:
    """MiB."""
    status = [Path(f"/proc/{process.pid}/status").read_text() for process in server.processes()]
    peaks = [int(line.split()[1]) for text in status for line in text.splitlines() if line.startswith("VmHWM:")]
    return max(peaks) / 1024


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        paths, params = large(Path(folder) / "benchmark", tasks)
        with LabelStudioServer.fresh(paths.root, params) as server:
            print(f"server    {peak_of(server):7.0f} MiB at rest")
            first, pushed = timed(server, paths, params)
            print(f"push      {first:7.1f} s for {pushed.created} tasks ({pushed.created / first:.0f}/s)")
            again, pushed = timed(server, paths, params)
            print(f"again     {again:7.1f} s: {pushed.created} made, {pushed.present} there, {pushed.removed} removed")
            mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"memory    {mine:7.0f} MiB here, {peak_of(server):.0f} MiB the server")


if __name__ == "__main__":
    main()
