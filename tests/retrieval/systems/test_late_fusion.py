"""Several systems' scores as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.paths import Paths
from fieldguide.records.drawings import DRAWINGS
from fieldguide.retrieval.fusion import reciprocal_ranks, scaled
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.run import run_system
from tests.builders import ENCODER, rewrite
from tests.retrieval.systems.worlds import by_subtopic, same, scores, section

TEXT: dict[str, Any] = {"kind": "text", "encoder": ENCODER, "query": "phrase"}
VISRET: dict[str, Any] = {"kind": "visret", "encoder": ENCODER, "images": 2, "fusion": "mean", "centre": "topics"}


def _scaled(found: dict[str, float]) -> dict[str, float]:
    low, high = min(found.values()), max(found.values())
    return {image: (score - low) / (high - low) for image, score in found.items()}


def test_sum_is_of_scores_between_their_least_and_greatest(paths: Paths) -> None:
    text, visret = scores(paths, **TEXT), scores(paths, **VISRET)
    fused = scores(paths, kind="late-fusion", parts=[TEXT, VISRET], weights=[3, 1])
    for subtopic, found in fused.items():
        told, drawn = _scaled(text[subtopic]), _scaled(visret[subtopic])
        assert same(found, {i: 0.75 * told[i] + 0.25 * drawn[i] for i in told})


def test_rrf_is_of_ranks(paths: Paths) -> None:
    text, visret = scores(paths, **TEXT), scores(paths, **VISRET)
    fused = scores(paths, kind="late-fusion", parts=[TEXT, VISRET], fusion="rrf", c=60)
    for subtopic, found in fused.items():
        told, drawn = list(text[subtopic]), list(visret[subtopic])
        assert same(found, {i: 0.5 / (61 + told.index(i)) + 0.5 / (61 + drawn.index(i)) for i in told})


def test_a_part_that_has_nothing_to_rank_by_adds_nothing(paths: Paths) -> None:
    lost = SearchCollection(paths).phrases[SearchCollection(paths).subtopics[0].subtopic_id]
    rewrite(DRAWINGS, paths.drawings, status=lambda f: ["failed" if p == lost else "ok" for p in f["prompt"]])
    text = scores(paths, **TEXT)
    fused = scores(paths, kind="late-fusion", parts=[TEXT, VISRET])
    alone = [s for s, phrase in SearchCollection(paths).phrases.items() if phrase == lost]
    assert alone
    for subtopic in alone:
        assert list(fused[subtopic]) == list(text[subtopic])
    nothing = scores(paths, kind="late-fusion", parts=[VISRET, VISRET | {"fusion": "max"}])
    assert not nothing.keys() & set(alone)


def test_what_no_part_ranks_is_not_ranked(paths: Paths) -> None:
    collection = SearchCollection(paths)
    subtopic, (a, b, *_) = collection.subtopics[0].subtopic_id, collection.gallery
    paths.external.mkdir(parents=True)
    for name, lines in (("one", {a: 2.0}), ("two", {a: 1.0, b: 3.0})):
        (paths.external / name).write_text("".join(f"{subtopic} Q0 {i} 1 {s} {name}\n" for i, s in lines.items()))
    parts = [{"kind": "run", "file": name} for name in ("one", "two")]
    found = by_subtopic(run_system("it", section(kind="late-fusion", parts=parts, fusion="rrf", c=0), collection))
    assert found == {subtopic: {a: 0.75, b: 0.5}}


def test_parts_are_described_and_their_keys_are_walked() -> None:
    fused = section(kind="late-fusion", parts=[TEXT, VISRET], weights=[2, 1])
    assert fused.description.startswith("sum of scores (2 : 1) of: text of the phrase")
    paths = {place: (dict(part.encoders), part.drawings) for place, part in fused.walk("systems.it")}
    assert paths["systems.it.parts.0"] == ({"encoder": ENCODER}, 0)
    assert paths["systems.it.parts.1"] == ({"encoder": ENCODER}, 2)


def test_each_part_needs_a_weight() -> None:
    with pytest.raises(ValueError, match="1 weights for 2 parts"):
        section(kind="late-fusion", parts=[TEXT, VISRET], weights=[1])


NUMBERS = st.lists(st.one_of(st.just(float("nan")), st.integers(-50, 50).map(lambda n: n / 8)), min_size=1, max_size=30)


@given(NUMBERS)
def test_scaled_scores_lie_between_0_and_1_in_the_same_order(numbers: list[float]) -> None:
    values = np.array(numbers)
    found, held = scaled(values), ~np.isnan(values)
    assert (np.isnan(found) == ~held).all()
    if held.any():
        assert found[held].min() == 0.0
        assert found[held].max() == (1.0 if np.ptp(values[held]) else 0.0)
        assert (np.argsort(found[held], kind="stable") == np.argsort(values[held], kind="stable")).all()


@given(NUMBERS, st.integers(0, 100))
def test_an_image_that_is_not_ranked_takes_no_rank(numbers: list[float], c: int) -> None:
    values = np.array(numbers)
    held = np.flatnonzero(~np.isnan(values))
    found = reciprocal_ranks(values[None], np.arange(len(values)), float(c) + 0.5)
    assert np.isnan(found).sum() == len(values) - len(held)
    assert (found[held] == reciprocal_ranks(values[None, held], held, float(c) + 0.5)).all()
    assert sorted(found[held]) == sorted(1 / (c + 0.5 + rank) for rank in range(1, len(held) + 1))
