"""Depth-n pooling (Spärck Jones and van Rijsbergen 1975; TREC) with a random sample of the rest.

The sample makes it possible to say how much the pooled systems missed together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fieldguide.core.paths import Paths
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.runs import read_run
from fieldguide.records.topics import read_topics
from fieldguide.retrieval.pooling.section import Pool


def pool_runs(pool: Pool, paths: Paths) -> pd.DataFrame:
    """Write data/pools/pools.parquet, pooled of the systems' runs over the whole gallery; returns what it holds.

    Raises:
        FieldguideError: a run, the topics or the table of images is missing.
    """
    runs = {name: read_run(paths.run("fullrank", name)) for name in pool.systems}
    subtopics = [subtopic.subtopic_id for topic in read_topics(paths.topics) for subtopic in topic.subtopics]
    images = IMAGES.read(paths.images, ["image_id", "split"])
    gallery = sorted(images.loc[images["split"] == "gallery", "image_id"])
    pools = make_pools(pool, runs, subtopics, gallery)
    POOLS.write(paths.pools, pools)
    return pools


def make_pools(
    pool: Pool, runs: Mapping[str, pd.DataFrame], subtopics: Sequence[str], gallery: Sequence[str]
) -> pd.DataFrame:
    """Pool every subtopic.

    Args:
        pool: depth of the union, size and seed of the sample.
        runs: runs by system, with the columns subtopic_id, image_id, rank.
        subtopics: ids of all subtopics; one that no system ranked still gets its sample.
        gallery: image_ids of the gallery, sorted.

    Returns:
        records.POOLS, sorted by (subtopic_id, image_id).
    """
    tops = [frame[frame["rank"] <= pool.depth].assign(system=name) for name, frame in sorted(runs.items())]
    together = pd.concat(tops) if tops else pd.DataFrame(columns=["subtopic_id", "image_id", "rank", "system"])
    ranked = {str(subtopic): frame for subtopic, frame in together.groupby("subtopic_id", sort=True)}
    rows = [row for s in sorted(subtopics) for row in _pool(s, ranked.get(s), pool, gallery)]
    return POOLS.frame(rows)


def _pool(subtopic: str, top: pd.DataFrame | None, pool: Pool, gallery: Sequence[str]) -> Iterator[dict[str, Any]]:
    found: dict[str, list[tuple[str, int]]] = {}
    if top is not None:
        for system, image_id, rank in zip(top["system"], top["image_id"], top["rank"], strict=True):
            found.setdefault(image_id, []).append((system, int(rank)))
    rest = [image_id for image_id in gallery if image_id not in found]
    # Seeded by the subtopic too, so that a topic more or less changes no other topic's sample.
    digest = hashlib.sha256(f"{pool.seed} {subtopic}".encode()).digest()
    draw = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
    sampled = {rest[i] for i in draw.choice(len(rest), size=min(pool.sample, len(rest)), replace=False)}
    for image_id in sorted({*found, *sampled}):
        by = sorted(found.get(image_id, ()))
        yield {
            "subtopic_id": subtopic,
            "image_id": image_id,
            "systems": [system for system, _ in by],
            "ranks": [rank for _, rank in by],
            "best_rank": min((rank for _, rank in by), default=None),
            "sampled": image_id in sampled,
        }


def pools_by_subtopic(pools: pd.DataFrame) -> dict[str, list[str]]:
    """records.POOLS as image_ids by subtopic_id, sorted."""
    return {str(s): sorted(frame["image_id"]) for s, frame in pools.groupby("subtopic_id", sort=True)}
