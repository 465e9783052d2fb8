"""`python -m bench.unseen [SOURCE ...]`: every system on the gallery photographs of some sources alone (grocery).

The leaderboard ranks the whole gallery, distractors included. This leaves them out: the 661 unseen
photographs, one query a cultivar and the topics' own, judged by the data set's labels throughout, not only
where they were pooled. Needs a built benchmark (`make demo`).
"""

from __future__ import annotations

import sys

import numpy as np

from bench.run import ROOT
from fieldguide.core.paths import Paths
from fieldguide.params import read_params
from fieldguide.records.images import IMAGES
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.run import run_system


def main() -> None:
    """Print P@10, R@1 (a hit at rank 1) and average precision, by kind of topic."""
    sources = tuple(sys.argv[1:]) or ("grocery",)
    params, paths = read_params(ROOT / "params.yaml"), Paths(ROOT)
    images = IMAGES.read(paths.images).set_index("image_id")
    collection = SearchCollection(paths, sources)
    wanted = {s.subtopic_id: s for s in collection.subtopics}
    total = images.loc[list(collection.gallery), "entity_id"].value_counts()
    chance = (total / len(collection.gallery)).mean()
    print(f"{len(collection.gallery)} photographs, {len(wanted)} subtopics; chance P@10 {chance:.2f}")
    print(f"{'system':<26}{'kind':<12}{'P@10':>8}{'R@1':>8}{'AP':>8}")
    for name in params.retrieve.systems:
        relevant: dict[str, list[bool]] = {}
        for line in run_system(name, params.system(name), collection):
            entity = wanted[line.subtopic_id].entity_id
            relevant.setdefault(line.subtopic_id, []).append(images.at[line.image_id, "entity_id"] == entity)
        for kind in ("entity", "comparison"):
            rows = [np.array(r) for s, r in relevant.items() if wanted[s].topic.kind == kind]
            precision = np.mean([r[:10].mean() for r in rows])
            first = np.mean([r[0] for r in rows])
            average = np.mean([(np.cumsum(r) / np.arange(1, len(r) + 1))[r].mean() for r in rows])
            print(f"{name:<26}{kind:<12}{precision:>8.3f}{first:>8.3f}{average:>8.3f}")


if __name__ == "__main__":
    main()
