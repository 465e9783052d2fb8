"""Text or drawings: what is predicted of either, and that the better one is taken whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fieldguide.records.drawings import DRAWINGS
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.kinds.adaptive import agreement, standing_out
from fieldguide.retrieval.systems.registry import make_system
from fieldguide.retrieval.systems.sections.systems import System
from tests.builders import ENCODER, tiny_benchmark

TEXT = {"kind": "text", "encoder": ENCODER, "query": "phrase"}
VISRET = {"kind": "visret", "encoder": ENCODER, "images": 2, "fusion": "mean"}


def spec(**values: Any) -> Any:
    return TypeAdapter(System).validate_python(
        {"kind": "adaptive", "text": TEXT, "visret": VISRET, "depth": 3} | values
    )


@pytest.fixture
def collection(tmp_path: Path) -> SearchCollection:
    return SearchCollection(tiny_benchmark(tmp_path))


def test_standing_out_is_counted_in_standard_deviations() -> None:
    scores = np.array([0.0, 0.0, 3.0, 1.0])
    assert standing_out(scores, 2) == pytest.approx((2 - 1) / scores.std())
    assert standing_out(np.ones(4), 2) == 0.0


@given(st.integers(0, 99), st.floats(0.1, 10), st.floats(-3, 3))
def test_standing_out_knows_no_scale_of_a_space(seed: int, scale: float, shift: float) -> None:
    scores = np.random.default_rng(seed).normal(size=30)
    assert standing_out(scores * scale + shift, 5) == pytest.approx(standing_out(scores, 5))


def test_agreement_is_the_share_of_the_best_that_pairs_have_in_common() -> None:
    similar = np.array([[4, 3, 2, 1], [3, 4, 1, 2], [1, 4, 2, 3]], dtype=np.float32)
    assert agreement(similar, 2) == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert agreement(similar[:1], 2) == 1.0
    assert agreement(similar, 9) == 1.0


def parts(collection: SearchCollection) -> tuple[Any, Any]:
    return tuple(make_system(TypeAdapter(System).validate_python(part), collection) for part in (TEXT, VISRET))  # type: ignore[return-value]


def test_each_subtopic_is_ranked_by_the_part_that_stands_out_further(collection: SearchCollection) -> None:
    score, (text, visret) = make_system(spec(), collection), parts(collection)
    everything, few = np.arange(len(collection.gallery), dtype=np.intp), np.array([1, 4, 6], dtype=np.intp)
    taken = set()
    for subtopic in collection.subtopics:
        drawn = standing_out(visret(subtopic, everything), 3) > standing_out(text(subtopic, everything), 3)
        taken.add(drawn)
        for candidates in (everything, few):
            assert np.array_equal(score(subtopic, candidates), (visret if drawn else text)(subtopic, candidates))
    assert taken == {True, False}


@pytest.mark.parametrize(("threshold", "chosen"), [(0.0, "visret"), (1.0, "text")])
def test_drawings_that_agree_enough_are_taken(collection: SearchCollection, threshold: float, chosen: str) -> None:
    score, (text, visret) = make_system(spec(predictor="agreement", threshold=threshold), collection), parts(collection)
    everything = np.arange(len(collection.gallery), dtype=np.intp)
    for subtopic in collection.subtopics:
        wanted = {"text": text, "visret": visret}[chosen](subtopic, everything)
        assert np.array_equal(score(subtopic, everything), wanted)


@pytest.mark.parametrize("predictor", ["spread", "agreement"])
def test_without_a_drawing_the_text_is_taken(collection: SearchCollection, predictor: str) -> None:
    drawings = DRAWINGS.read(collection.paths.drawings)
    drawings.loc[drawings["purpose"] == "topic", ["status", "reason"]] = ["failed", "refused"]
    DRAWINGS.write(collection.paths.drawings, drawings)
    fresh = SearchCollection(collection.paths)
    score, (text, _) = make_system(spec(predictor=predictor, threshold=0.0), fresh), parts(fresh)
    everything = np.arange(len(fresh.gallery), dtype=np.intp)
    for subtopic in fresh.subtopics:
        assert np.array_equal(score(subtopic, everything), text(subtopic, everything))


def test_ranks_have_no_spread_to_compare() -> None:
    with pytest.raises(ValidationError, match="predictor spread compares similarities"):
        spec(visret=VISRET | {"fusion": "rrf"})
    spec(visret=VISRET | {"fusion": "rrf"}, predictor="agreement")
