"""Pictures are drawn from the numbers that lie beside them, and these are those of the tables."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.pictures.gallery import gallery_map
from fieldguide.publishing.report.pictures.systems import alike, precision_by_depth, spread
from fieldguide.records.embeddings import write_embeddings
from tests.builders import ENCODER
from tests.publishing.report.conftest import Page


def test_every_picture_has_its_numbers_and_words(pages: dict[str, Page], paths: Paths) -> None:
    page, folder = pages["pictures.html"], paths.report.parent / "pictures"
    shown = {Path(source).stem for source in page.sources("img")}
    assert shown == {f"gallery-{ENCODER}", "depth", "spread", "alike"}
    assert {file.name for file in folder.iterdir()} == {f"{name}.{end}" for name in shown for end in ("svg", "csv")}
    for name in shown:
        text = (folder / f"{name}.svg").read_text()
        assert "<svg" in text and "<script" not in text and "<dc:date>" not in text
        with (folder / f"{name}.csv").open() as stream:
            assert len(list(csv.reader(stream))) > 3


def test_precision_by_depth_is_counted_by_hand(paths: Paths, params: Params) -> None:
    benchmark = Benchmark(paths, params)
    systems = list(params.retrieve.systems)
    found = precision_by_depth(benchmark, systems).set_index(["system", "depth"])["precision"]
    qrels = benchmark.qrels
    good = {(s, i) for s, i, g in qrels[["subtopic_id", "image_id", "grade"]].values if g > 0}
    for system in systems:
        run = benchmark.runs["fullrank", system]
        lines = list(run[["subtopic_id", "image_id", "rank"]].itertuples(index=False, name=None))
        for depth in (1, 3, 50):
            hits = sum((s, i) in good for s, i, rank in lines if rank <= depth)
            assert found[system, depth] == pytest.approx(hits / depth / len(benchmark.subtopics), abs=1e-6)


def test_systems_are_alike_that_find_the_same_subtopics_hard() -> None:
    rising = [("a", f"t{n}", n / 10) for n in range(9)] + [("b", f"t{n}", n / 20) for n in range(9)]
    values = pd.DataFrame(
        [*rising, *(("c", f"t{n}", 1 - n / 10) for n in range(9)), *(("d", f"t{n}", 0.5) for n in range(9))],
        columns=["system", "subtopic_id", "value"],
    )
    found = alike(values, ["a", "b", "c", "d"])
    assert found.loc["a", "b"] == 1 and found.loc["a", "c"] == -1
    assert np.isnan(found.loc["a", "d"])


def test_spread_holds_the_headline_of_every_subtopic(paths: Paths, params: Params) -> None:
    benchmark = Benchmark(paths, params)
    found = spread(benchmark, list(params.retrieve.systems))
    assert len(found) == len(benchmark.subtopics) * len(params.retrieve.systems)


def test_centring_brings_drawings_to_their_entity(fresh: Paths, params: Params) -> None:
    """Drawings lie far from all photographs, and in the directions in which their entities lie from one another."""
    benchmark = Benchmark(fresh, params)
    entities = sorted(benchmark.entities.index)
    of_phrase = {benchmark.phrases[s].text: sub.entity_id for s, sub in benchmark.subtopics.items()}
    drawn = benchmark.drawings[benchmark.drawings["purpose"] == "topic"]
    images = benchmark.images["entity_id"].to_dict()
    rng = np.random.default_rng(3)

    def write(folder: Path, kind: str, wanted: dict[str, str | None], shift: np.ndarray) -> None:
        keys = [(kind, key) for key in sorted(wanted)]
        vectors = np.stack([0.02 * rng.standard_normal(8) + shift for _ in keys])
        for row, (_, key) in enumerate(keys):
            if wanted[key] is not None:
                vectors[row, entities.index(str(wanted[key])) % 6] += 0.4
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        block = (np.arange(len(keys)), vectors.astype(np.float32))
        write_embeddings(folder, keys, [block], encoder=ENCODER, revision="r", dtype="float32", dimension=8)

    photographs, drawings = np.zeros(8), np.zeros(8)
    photographs[6], drawings[7], drawings[0] = 1.0, 1.0, 0.6
    write(fresh.embeddings(ENCODER), "image", images, photographs)
    write(
        fresh.queries(ENCODER), "drawing",
        dict(zip(drawn["drawing_id"], [of_phrase[p] for p in drawn["prompt"]], strict=True)), drawings,
    )  # fmt: skip
    found = gallery_map(Benchmark(fresh, params), ENCODER)
    assert found is not None
    assert found.right_before < found.right_after == 1
    counts = found.points["kind"].value_counts()
    assert counts["photograph"] == (benchmark.images["split"] == "gallery").sum()
    assert 0 < counts["drawing"] <= len(drawn)
    assert gallery_map(Benchmark(fresh, params), "no-such-encoder") is None
