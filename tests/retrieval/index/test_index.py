"""Indexes on a gallery of clusters: what they find, what they refuse, and what a run through one holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.records.embeddings import Embeddings, write_embeddings
from fieldguide.records.runs import IndexRecall
from fieldguide.records.topics import Subtopic
from fieldguide.retrieval.fusion import fuse
from fieldguide.retrieval.index.build import build_index, index_key
from fieldguide.retrieval.index.section import AnyIndex
from fieldguide.retrieval.index.serve import OpenIndex, recall
from fieldguide.retrieval.search import Floats, centred, mean, nearest
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.comparison import VectorScorer
from fieldguide.retrieval.systems.run import run_system
from fieldguide.retrieval.systems.searching import exact, indexed
from tests.builders import tiny_benchmark, tiny_params, tiny_topics

IMAGES, DIMENSION = 3000, 32
ROWS = np.arange(0, IMAGES, 2)
KINDS: list[dict[str, Any]] = [
    {"kind": "ivf", "shortlist": 100, "lists": 20, "probes": 8},
    {"kind": "hnsw", "shortlist": 100, "links": 16},
    {"kind": "binary", "shortlist": 200, "bits": 256},
]


def spec(**values: Any) -> AnyIndex:
    return TypeAdapter(AnyIndex).validate_python(values)  # type: ignore[no-any-return]


def clustered(count: int, seed: int) -> Floats:
    rng, centres = np.random.default_rng(seed), np.random.default_rng(0).normal(size=(40, DIMENSION))
    vectors = centres[rng.integers(0, 40, count)] + rng.normal(size=(count, DIMENSION)) / 2
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Embeddings:
    folder = tmp_path_factory.mktemp("gallery") / "tiny"
    keys = [("image", f"{n:016x}") for n in range(IMAGES)]
    write_embeddings(
        folder, keys, [(np.arange(IMAGES), clustered(IMAGES, 1))],
        encoder="tiny", revision="r1" * 32, dtype="float16", dimension=DIMENSION,
    )  # fmt: skip
    return Embeddings.open(folder)


@pytest.mark.parametrize("values", KINDS, ids=lambda values: values["kind"])
@pytest.mark.parametrize("centring", [False, True])
def test_what_is_proposed_holds_nearly_all_of_the_nearest(
    images: Embeddings, tmp_path: Path, values: dict[str, Any], centring: bool
) -> None:
    queries, centre = clustered(20, 2), mean(images.vectors, ROWS) if centring else None
    queries = queries if centre is None else centred(queries, centre)
    meta = build_index(spec(**values), images, ROWS, centre, tmp_path / "index")
    paths = OpenIndex.open(tmp_path / "index").search(queries, spec(**values), revision=meta.revision)
    assert paths.shape == (20, values["shortlist"])
    assert paths.max() < len(ROWS)
    assert recall(paths, queries, images, ROWS, 10, centre) > 0.95


@pytest.mark.parametrize("values", KINDS, ids=lambda values: values["kind"])
def test_the_same_gallery_gives_the_same_bytes(images: Embeddings, tmp_path: Path, values: dict[str, Any]) -> None:
    first = build_index(spec(**values), images, ROWS, None, tmp_path / "a")
    assert build_index(spec(**values), images, ROWS, None, tmp_path / "b") == first


def test_recall_by_hand(images: Embeddings) -> None:
    best, _ = nearest(images.rows("image", images.keys("image")[:2]), images.vectors, ROWS, 4)
    half = np.stack([best[0], np.concatenate([best[1][:2], [-1, -1]])])
    queries = images.rows("image", images.keys("image")[:2])
    assert recall(half, queries, images, ROWS, 4) == 0.75


def test_another_encoder_revision_is_refused(images: Embeddings, tmp_path: Path) -> None:
    build_index(spec(**KINDS[2]), images, ROWS, None, tmp_path / "index")
    with pytest.raises(FieldguideError) as error:
        OpenIndex.open(tmp_path / "index").search(clustered(1, 2), spec(**KINDS[2]), revision="0" * 64)
    assert str(error.value) == (
        "the binary index is of revision r1r1r1r1r1r1 of encoder tiny, the queries are of revision 000000000000; "
        "run `dvc repro`, so that both are of one"
    )


def test_a_damaged_index_is_told_before_faiss_reads_it(images: Embeddings, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build_index(spec(**KINDS[2]), images, ROWS, None, folder)
    with (folder / "index.faiss").open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(FieldguideError, match=r"index.faiss: missing or damaged; remove .*, it will be built again"):
        OpenIndex.open(folder)
    write_json(folder / "meta.json", {"kind": "ivf"})
    with pytest.raises(FieldguideError, match=r"meta.json: not of an index; remove .*, it will be built again"):
        OpenIndex.open(folder)


def test_a_key_hangs_on_all_that_is_built_and_not_on_how_it_is_asked(images: Embeddings) -> None:
    centre = np.ones(DIMENSION, dtype=np.float32)
    keys = {
        index_key(spec(kind="ivf"), images, ROWS, None), index_key(spec(kind="ivf", lists=9), images, ROWS, None),
        index_key(spec(kind="ivf"), images, ROWS[1:], None), index_key(spec(kind="ivf"), images, ROWS, centre),
        index_key(spec(kind="hnsw"), images, ROWS, None), index_key(spec(kind="ivf", seed=1), images, ROWS, None),
    }  # fmt: skip
    assert len(keys) == 6
    assert index_key(spec(kind="ivf", probes=3, shortlist=5, sample=9), images, ROWS, None) in keys


def comparison(images: Embeddings, centre: Floats | None = None) -> tuple[VectorScorer, list[Subtopic]]:
    """Three queries a subtopic, none for one of them."""
    subtopics = sorted((s for t in tiny_topics() for s in t.subtopics), key=lambda s: s.subtopic_id)
    asked = {s.subtopic_id: clustered(3, 10 + n) for n, s in enumerate(subtopics)}
    asked.pop(subtopics[1].subtopic_id)

    def queries(subtopic: Subtopic) -> Floats | None:
        return asked.get(subtopic.subtopic_id)

    return VectorScorer(images, ROWS, queries, lambda found, paths: fuse(found, paths, "mean"), centre), subtopics


def test_searching_together_gives_what_each_subtopic_gives_alone(images: Embeddings) -> None:
    score, subtopics = comparison(images)
    everything = np.arange(len(ROWS))
    for _ in range(2):
        for subtopic, candidates, scores in exact(score, subtopics * 4):
            alone = score(subtopic, everything)
            assert np.array_equal(candidates, everything)
            assert alone is scores is None or np.array_equal(scores, alone)


@pytest.mark.parametrize("values", KINDS, ids=lambda values: values["kind"])
def test_a_run_through_an_index_has_the_scores_of_exact_search(
    images: Embeddings, tmp_path: Path, values: dict[str, Any]
) -> None:
    score, subtopics = comparison(images, mean(images.vectors, ROWS))
    told: list[IndexRecall] = []
    search = indexed(spec(**values), 10, tmp_path, told.append)
    whole = {subtopic.subtopic_id: scores for subtopic, _, scores in exact(score, subtopics)}
    found = list(search(score, subtopics))
    assert [subtopic for subtopic, _, _ in found] == subtopics
    for subtopic, candidates, scores in found:
        expected = whole[subtopic.subtopic_id]
        if scores is None or expected is None:
            assert scores is expected is None
            continue
        assert values["shortlist"] <= len(candidates) < len(ROWS)
        assert scores == pytest.approx(expected[candidates], abs=1e-6)
    (report,) = told
    assert report.recall > 0.95
    assert str(report) == (
        f"{values['kind']} index: recall@10 {report.recall:.4f} of exact search over {report.queries} queries, "
        f"shortlists of {values['shortlist']} of {len(ROWS)} images"
    )
    built = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/index.faiss")}
    assert len(built) == 1
    list(search(score, subtopics))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/index.faiss")} == built


def test_a_gallery_no_larger_than_the_shortlist_is_searched_exactly(images: Embeddings, tmp_path: Path) -> None:
    score, subtopics = comparison(images)
    search = indexed(spec(kind="hnsw", shortlist=len(ROWS)), 10, tmp_path, lambda found: pytest.fail(str(found)))
    for ours, theirs in zip(search(score, subtopics), exact(score, subtopics), strict=True):
        assert np.array_equal(ours[1], theirs[1])
    assert not list(tmp_path.iterdir())


def test_params_name_what_an_index_may_be_told() -> None:
    with pytest.raises(ProblemsError) as error:
        tiny_params(retrieve={"depth": 50, "index": {"kind": "ivf", "shortlist": 20}})
    assert "index.shortlist is 20; at least `depth`, 50, is needed" in str(error.value)
    with pytest.raises(ProblemsError) as error:
        tiny_params(retrieve={"index": {"kind": "ivf", "links": 3}})
    assert "retrieve.index.links: unknown key; allowed: kind, lists, probes, sample, seed, shortlist" in str(
        error.value
    )
    assert tiny_params(retrieve={"index": None}).retrieve.index is None


def test_centred_queries_find_what_centring_brings_near(images: Embeddings, tmp_path: Path) -> None:
    centre = mean(images.vectors, ROWS)
    build_index(spec(**KINDS[1]), images, ROWS, centre, tmp_path / "index")
    assert read_json(tmp_path / "index" / "meta.json")["images"] == len(ROWS)
    own = centred(np.asarray(images.vectors[ROWS[:5]], dtype=np.float32), centre)
    paths = OpenIndex.open(tmp_path / "index").search(own, spec(**KINDS[1]), revision=images.meta.revision)
    assert all(n in found[:3] for n, found in enumerate(paths))


@pytest.mark.parametrize("name", ["text", "visret", "random"])
def test_a_system_of_params_runs_through_an_index(tmp_path: Path, name: str) -> None:
    """Shortlists of 12 of 17 images hold what is among the best ten nearly always; a score is never another one."""
    tiny_benchmark(tmp_path)
    collection, system = SearchCollection(Paths(tmp_path)), tiny_params().systems[name]
    told: list[IndexRecall] = []
    search = indexed(spec(kind="binary", bits=256, shortlist=12), 5, tmp_path / "indexes", told.append)
    whole = {(x.subtopic_id, x.image_id): x.score for x in run_system(name, system, collection)}
    lines = list(run_system(name, system, collection, depth=5, search=search))
    assert len(lines) == 5 * len(collection.subtopics)
    if name == "random":  # compares no vectors: there is nothing to look up
        assert not told
    else:
        assert told[0].recall > 0.9
    if name != "visret":  # ranks of fused rankings are those among the proposed
        assert all(x.score == pytest.approx(whole[x.subtopic_id, x.image_id], abs=2e-6) for x in lines)
