"""Do drawings show what they were asked for: class means, ceilings, and where a phrase went wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.evaluation.fidelity.fidelity import ClassMeans, judge_phrases, measure_fidelity, write_fidelity
from fieldguide.evaluation.fidelity.section import Fidelity
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.embeddings import EMBEDDING_INDEX
from fieldguide.records.images import IMAGES
from fieldguide.records.scores import FIDELITY_VERSION
from fieldguide.retrieval.search import Floats, unit
from fieldguide.retrieval.systems.collection import SearchCollection
from tests.builders import ENCODER, ENTITIES, rewrite, tiny_benchmark, tiny_topics

SPEC = Fidelity(encoder=ENCODER)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return tiny_benchmark(tmp_path)


def rows(rng: np.random.Generator, n: int) -> Floats:
    return unit(rng.normal(size=(n, 6)).astype(np.float32))


@given(st.integers(0, 50))
def test_class_means_agree_with_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, queries = rows(rng, 12), rows(rng, 5)
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 3])
    means = ClassMeans(vectors, labels)

    def nearest(query: Floats, left_out: int | None = None) -> int:
        kept = [n for n in range(12) if n != left_out]
        cosines = []
        for label in range(4):
            total = np.sum([vectors[n] for n in kept if labels[n] == label], axis=0)
            cosines.append(query @ total / np.linalg.norm(total))
        return int(np.argmax(cosines))

    assert means.nearest(queries).tolist() == [nearest(query) for query in queries]
    assert means.left_out().tolist() == [nearest(vectors[n], n) for n in range(12)]


def test_a_photograph_alone_in_its_class_has_no_ceiling() -> None:
    vectors = rows(np.random.default_rng(0), 3)
    assert ClassMeans(vectors, np.array([0, 0, 1])).left_out()[2] == -1


def test_a_phrase_went_wrong_in_rewriting_where_the_bare_name_is_drawn_well() -> None:
    subtopics = [s for topic in tiny_topics() for s in topic.subtopics]
    phrases = {s.subtopic_id: f"{s.topic.kind} {s.entity_id}" for s in subtopics}
    granny, red, satsuma = ENTITIES
    named = {
        f"entity {granny}": [granny, granny, red], f"comparison {granny}": [red, satsuma, granny],
        f"entity {red}": [granny, granny], f"comparison {red}": [granny, red, granny],
        f"comparison {satsuma}": [satsuma, granny],
    }  # fmt: skip
    judged = {p.phrase: (p.drawn, p.faithful, p.verdict) for p in judge_phrases(subtopics, phrases, named)}
    assert judged == {
        f"entity {granny}": (3, 2, "faithful"),
        f"comparison {granny}": (3, 1, "rewriting"),
        f"entity {red}": (2, 0, "generation"),
        f"comparison {red}": (3, 1, "generation"),
        f"entity {satsuma}": (0, 0, "not drawn"),
        f"comparison {satsuma}": (2, 1, "faithful"),
    }


def planted(paths: Paths, wrong: str) -> None:
    """Every image and drawing of an entity lies at that entity's corner; drawings of `wrong` at another's."""
    corners = {entity: np.eye(8, dtype=np.float32)[n] for n, entity in enumerate(ENTITIES)}
    entity_of = {name: entity for entity, (name, *_) in ENTITIES.items()}
    images = IMAGES.read(paths.images).set_index("image_id")["entity_id"].to_dict()
    drawings = DRAWINGS.read(paths.drawings).set_index("drawing_id")["prompt"].to_dict()
    corners |= {"other": np.eye(8, dtype=np.float32)[7]}
    for folder in (paths.embeddings(ENCODER), paths.queries(ENCODER)):
        index = EMBEDDING_INDEX.read(folder / "index.parquet")
        vectors = np.load(folder / "vectors.npy")
        for row, kind, key in index[["row", "kind", "key"]].itertuples(index=False):
            if kind == "image":
                vectors[row] = corners[images[key] or "other"]
            if kind == "drawing":
                entity = entity_of.get(drawings[key].removeprefix("a photo of "), "other")
                vectors[row] = corners["satsuma" if entity == wrong else entity]
        np.save(folder / "vectors.npy", vectors)


@pytest.mark.parametrize("centre", [False, True])
def test_an_entity_that_is_drawn_as_another_is_found(paths: Paths, centre: bool) -> None:
    planted(paths, wrong="red-delicious")
    report = measure_fidelity(paths, Fidelity(encoder=ENCODER, centre=centre))
    found = {row.entity_id: (row.drawings, row.accuracy, row.ceiling, row.taken_for) for row in report.entities}
    assert found == {
        "granny-smith": (2, 1.0, 1.0, None),
        "red-delicious": (2, 0.0, 1.0, "satsuma"),
        "satsuma": (2, 1.0, 1.0, None),
    }
    assert report.accuracy == pytest.approx(2 / 3)
    assert (report.ceiling, report.chance, report.left_out) == (1.0, pytest.approx(1 / 3), ())
    wrong = {p.entity_id for p in report.phrases if p.verdict != "faithful"}
    assert wrong == {"red-delicious"}


def test_failed_drawings_and_entities_without_photographs_are_told_apart(paths: Paths) -> None:
    images = IMAGES.read(paths.images)
    images.loc[images["entity_id"] == "satsuma", "split"] = "gallery"
    IMAGES.write(paths.images, images)
    rewrite(
        DRAWINGS, paths.drawings, reason="refused",
        status=lambda frame: frame["prompt"].map(lambda p: "failed" if "Granny" in p else "ok"),
    )  # fmt: skip
    report = measure_fidelity(paths, SPEC)
    assert report.left_out == ("satsuma",)
    assert {p.entity_id for p in report.phrases} == {"granny-smith", "red-delicious"}
    assert {p.verdict for p in report.phrases if p.entity_id == "granny-smith"} == {"not drawn"}
    granny, red = report.entities
    assert (granny.drawings, granny.accuracy, granny.taken_for) == (0, None, None)
    assert report.accuracy == red.accuracy


def test_without_drawings_nothing_is_claimed(paths: Paths) -> None:
    rewrite(DRAWINGS, paths.drawings, status="failed", reason="refused")
    report = measure_fidelity(paths, SPEC)
    assert report.accuracy is None
    assert {p.verdict for p in report.phrases} == {"not drawn"}
    assert len(report.phrases) == len(SearchCollection(paths).subtopics)


def test_one_entity_cannot_be_told_from_others(paths: Paths) -> None:
    rewrite(IMAGES, paths.images, split="gallery")
    with pytest.raises(FieldguideError, match="the train split shows 0 entities; to name drawings takes photographs"):
        measure_fidelity(paths, SPEC)


def test_the_file_says_its_version_and_the_same_twice(paths: Paths) -> None:
    write_fidelity(paths.fidelity, measure_fidelity(paths, SPEC))
    first = paths.fidelity.read_bytes()
    write_fidelity(paths.fidelity, measure_fidelity(paths, SPEC))
    assert paths.fidelity.read_bytes() == first
    assert json.loads(first)["schema_version"] == FIDELITY_VERSION
