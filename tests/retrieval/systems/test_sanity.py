"""Systems that know nothing, and runs from outside."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.records.images import IMAGES
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.run import run_system
from tests.retrieval.systems.worlds import by_subtopic, scores, section


def test_constant_leaves_the_order_to_the_rule_for_ties(paths: Paths) -> None:
    for found in scores(paths, kind="constant").values():
        assert set(found.values()) == {0.0}
        assert list(found) == sorted(found, reverse=True)


def test_file_order_is_that_of_source_and_key_whatever_the_question(paths: Paths) -> None:
    images = IMAGES.read(paths.images)
    gallery = images[images["split"] == "gallery"].sort_values(["source", "source_key"])
    for found in scores(paths, kind="file-order").values():
        assert list(found) == gallery["image_id"].tolist()


def test_file_order_within_a_pool_is_the_same_order(paths: Paths) -> None:
    collection = SearchCollection(paths)
    subtopic, pool = collection.subtopics[0].subtopic_id, collection.gallery[::3]
    whole = list(scores(paths, kind="file-order")[subtopic])
    pooled = by_subtopic(run_system("it", section(kind="file-order"), collection, {subtopic: pool}))
    assert list(pooled[subtopic]) == [image for image in whole if image in pool]


def _write(paths: Paths, lines: Mapping[str, float]) -> None:
    paths.external.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{key.split()[0]} Q0 {key.split()[1]} 1 {score} theirs\n" for key, score in lines.items())
    (paths.external / "theirs.trec").write_text(text)


def test_a_run_from_outside_keeps_its_scores_under_our_name(paths: Paths) -> None:
    collection = SearchCollection(paths)
    first, second, *_ = (subtopic.subtopic_id for subtopic in collection.subtopics)
    a, b, c, *_ = collection.gallery
    _write(paths, {f"{first} {a}": 0.25, f"{first} {b}": 7.5, f"{second} {c}": -1.0})
    lines = list(run_system("it", section(kind="run", file="theirs.trec"), collection))
    assert by_subtopic(lines) == {first: {b: 7.5, a: 0.25}, second: {c: -1.0}}
    assert {(line.system, line.rank) for line in lines if line.image_id == a} == {("it", 2)}


def test_a_run_from_outside_ranks_of_a_pool_only_what_it_found(paths: Paths) -> None:
    collection = SearchCollection(paths)
    first = collection.subtopics[0].subtopic_id
    a, b, c, *_ = collection.gallery
    _write(paths, {f"{first} {a}": 3, f"{first} {b}": 2})
    lines = run_system("it", section(kind="run", file="theirs.trec"), collection, {first: (b, c)})
    assert by_subtopic(lines) == {first: {b: 2.0}}


def test_a_run_of_another_collection_is_refused_by_name(paths: Paths) -> None:
    collection = SearchCollection(paths)
    first, a = collection.subtopics[0].subtopic_id, collection.gallery[0]
    _write(paths, {f"{first} {a}": 3, f"{first} nowhere.jpg": 2, f"t0.e1 {a}": 1})
    with pytest.raises(ProblemsError) as refused:
        list(run_system("it", section(kind="run", file="theirs.trec"), collection))
    told = str(refused.value)
    assert "the run is of another collection: 1 subtopics and 1 images unknown, such as" in told
    assert "subtopic t0.e1 is not in data/topics" in told
    assert "image nowhere.jpg is not in the gallery" in told


def test_a_missing_run_is_told_and_a_path_is_no_name(paths: Paths) -> None:
    with pytest.raises(FieldguideError, match=r"data/external/gone.trec: no such file"):
        list(run_system("it", section(kind="run", file="gone.trec"), SearchCollection(paths)))
    for file in ("../secrets", "/etc/passwd", ".hidden", ""):
        with pytest.raises(ValueError, match="should match pattern"):
            section(kind="run", file=file)
