"""Decomposed questions: degrees of belief, their connectives, and what a subtopic is taken apart into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.queries.rewriting.decomposing import decompose
from fieldguide.queries.rewriting.section import Decompose
from fieldguide.records.embeddings import text_key
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import read_components, read_topics
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.kinds.decompose import COMBINE, believed
from fieldguide.retrieval.systems.registry import make_system
from fieldguide.retrieval.systems.sections.decompose import DecomposeSystem
from tests.builders import ENCODER, rewrite, tiny_benchmark


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return tiny_benchmark(tmp_path)


def spec(combine: str) -> DecomposeSystem:
    return DecomposeSystem.model_validate({"kind": "decompose", "encoder": ENCODER, "combine": combine, "prior": 0.25})


@given(st.integers(0, 99), st.floats(0.05, 0.95), st.floats(0.1, 10), st.floats(-3, 3))
def test_beliefs_keep_the_order_and_know_no_scale(seed: int, prior: float, scale: float, shift: float) -> None:
    similar = np.random.default_rng(seed).normal(size=40)
    degrees = believed(similar, prior)
    assert np.array_equal(np.argsort(degrees), np.argsort(similar))
    assert ((degrees > 0) & (degrees < 1)).all()
    assert abs((degrees >= 0.5).mean() - prior) <= 1 / 40
    assert np.allclose(degrees, believed(similar * scale + shift, prior))


def test_a_query_that_tells_nothing_apart_is_believed_by_half() -> None:
    assert believed(np.full(5, 0.3), 0.1).tolist() == [0.5] * 5


def test_connectives_are_those_of_fuzzy_logic() -> None:
    true, false = [np.array([0.5, 0.9]), np.array([0.8, 0.1])], [np.array([0.25, 1.0])]
    assert np.allclose(COMBINE["product"](true, false), [0.4, 0.09])
    assert np.allclose(COMBINE["minimum"](true, false), [0.5, 0.1])
    assert np.allclose(COMBINE["logic"](true, false), [0.4 * 0.75, 0.0])


@pytest.mark.parametrize("combine", ["product", "minimum", "logic"])
def test_entity_and_part_are_asked_and_other_entities_denied(paths: Paths, combine: str) -> None:
    collection = SearchCollection(paths)
    score = make_system(spec(combine), collection)
    gallery, queries = collection.images(ENCODER).rows("image", collection.gallery), collection.queries(ENCODER)

    def belief(text: str) -> Any:
        return believed((queries.rows("component", [text_key(text)]) @ gallery.T)[0], 0.25)

    names = {"granny-smith": "Granny Smith apple", "red-delicious": "Red Delicious apple", "satsuma": "satsuma"}
    candidates = np.arange(3, 9, dtype=np.intp)
    for subtopic in collection.subtopics:
        true = [belief(f"a photo of {names[subtopic.entity_id]}")]
        if subtopic.topic.kind == "comparison":
            true.append(belief("a close-up of the skin"))
        others = [e for e in subtopic.topic.entities if e != subtopic.entity_id]
        wanted = COMBINE[combine](true, [belief(f"a photo of {names[e]}") for e in others])[candidates]
        assert np.allclose(np.asarray(score(subtopic, candidates)), wanted, atol=1e-5)


def test_the_stage_writes_entity_and_part_but_no_part_of_the_whole(paths: Paths) -> None:
    wanted = read_components(paths.components)
    paths.components.unlink()
    assert decompose(Decompose(), paths) == read_components(paths.components) == wanted
    kinds = {s.subtopic_id: s.topic.kind for t in read_topics(paths.topics) for s in t.subtopics}
    for subtopic, kind in kinds.items():
        about = [component.about for component in wanted if component.subtopic_id == subtopic]
        assert about == (["entity"] if kind == "entity" else ["entity", "part"])


@pytest.mark.parametrize("values", [{"entity": "a photo"}, {"part": "the {part} of {entity}"}, {"part": "{part"}])
def test_templates_that_would_not_do_are_told(paths: Paths, values: dict[str, str]) -> None:
    with pytest.raises(
        FieldguideError, match=r"params\.yaml: decompose\.(entity|part): .* must hold \{(entity|part)\}"
    ):
        decompose(Decompose(**values), paths)


def test_topics_of_unknown_entities_are_told_all_at_once(paths: Paths) -> None:
    rewrite(ENTITIES, paths.entities, entity_id=lambda frame: frame["entity_id"] + "-2")
    with pytest.raises(ProblemsError) as caught:
        decompose(Decompose(), paths)
    assert len(caught.value.problems) == len(SearchCollection(paths).subtopics)
    assert "entity 'satsuma' is not in" in str([problem.what for problem in caught.value.problems])
