"""Domains lose their own means: which ones, and that no label helps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.images import IMAGES
from fieldguide.records.knowledge import ENTITIES
from fieldguide.retrieval.systems.collection import SearchCollection
from tests.builders import ENCODER, rewrite
from tests.retrieval.systems.worlds import Vectors, same, scores, section, unit

VISRET: dict[str, Any] = {"kind": "visret", "encoder": ENCODER, "images": 2, "fusion": "mean"}


def _drawings(paths: Paths, collection: SearchCollection, kind: str | None) -> list[str]:
    asked = [s for s in collection.subtopics if kind is None or collection.kind(s.entity_id) == kind]
    return sorted({d for s in asked for d in collection.drawings_of(s, 2)})


@pytest.mark.parametrize("centre", ["none", "topics", "generic", "kind"])
def test_each_domain_loses_the_mean_that_is_asked_for(paths: Paths, centre: str) -> None:
    vectors, collection = Vectors(paths), SearchCollection(paths)
    photographs = {i: vectors("image", i) for i in collection.gallery}
    found = scores(paths, **VISRET, centre=centre)
    for subtopic in collection.subtopics:
        kind = collection.kind(subtopic.entity_id) if centre == "kind" else None
        generic = collection.drawing_ids(2, purpose="generic")
        domain = generic if centre == "generic" else _drawings(paths, collection, kind)
        theirs = np.mean([vectors("drawing", d) for d in domain], axis=0)
        ours = np.mean(list(photographs.values()), axis=0)
        if centre == "none":
            theirs, ours = theirs * 0, ours * 0
        drawn = [unit(vectors("drawing", d) - theirs) for d in collection.drawings_of(subtopic, 2)]
        wanted = {i: float(np.mean([unit(v - ours) @ d for d in drawn])) for i, v in photographs.items()}
        assert same(found[subtopic.subtopic_id], wanted)


def test_reach_takes_the_mean_of_the_photographs_that_drawings_find(paths: Paths) -> None:
    vectors, collection = Vectors(paths), SearchCollection(paths)
    photographs = {i: vectors("image", i) for i in collection.gallery}
    near: set[str] = set()
    for drawing in _drawings(paths, collection, None):
        near |= set(sorted(photographs, key=lambda i: -float(photographs[i] @ vectors("drawing", drawing)))[:2])
    assert len(near) < len(photographs), "a reach that holds everything proves nothing"
    ours = np.mean([photographs[i] for i in sorted(near)], axis=0)
    theirs = np.mean([vectors("drawing", d) for d in _drawings(paths, collection, None)], axis=0)
    found = scores(paths, **VISRET, centre="topics", reach=2)
    subtopic = collection.subtopics[0]
    drawn = [unit(vectors("drawing", d) - theirs) for d in collection.drawings_of(subtopic, 2)]
    wanted = {i: float(np.mean([unit(v - ours) @ d for d in drawn])) for i, v in photographs.items()}
    assert same(found[subtopic.subtopic_id], wanted)


def test_a_kind_is_shared_with_another_entity_that_is_asked_about(paths: Paths) -> None:
    collection = SearchCollection(paths)
    assert collection.kind("granny-smith") == collection.kind("red-delicious") == "fruit / apple"
    assert collection.kind("satsuma") == "fruit"  # the only citrus: its own mean would be that of its own drawings


def test_entities_without_a_common_ancestor_are_one_kind(paths: Paths) -> None:
    rewrite(ENTITIES, paths.entities, taxonomy=lambda frame: [[name] for name in frame["name"]])
    collection = SearchCollection(paths)
    assert {collection.kind(s.entity_id) for s in collection.subtopics} == {""}
    assert scores(paths, **VISRET, centre="kind") == scores(paths, **VISRET, centre="topics")


@pytest.mark.parametrize("centre", ["topics", "kind"])
def test_no_photographs_label_is_looked_at(paths: Paths, centre: str) -> None:
    before = scores(paths, **VISRET, centre=centre, reach=3)
    rewrite(IMAGES, paths.images, entity_id=lambda frame: frame["entity_id"].tolist()[::-1])
    assert scores(paths, **VISRET, centre=centre, reach=3) == before


def test_a_centre_without_drawings_is_told_before_anything_is_ranked(paths: Paths) -> None:
    rewrite(DRAWINGS, paths.drawings, purpose="topic")
    with pytest.raises(FieldguideError, match="centre: generic needs drawings of generic prompts and there are none"):
        scores(paths, **VISRET, centre="generic")


def test_reach_needs_a_centre() -> None:
    with pytest.raises(ValueError, match="reach has a meaning only where centre is topics, generic or kind"):
        section(**VISRET, reach=3)


def test_the_report_says_where_the_centre_is_from() -> None:
    assert "domains centred (drawings of the entity's kind)" in section(**VISRET, centre="kind").description
