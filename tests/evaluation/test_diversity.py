"""Measures over a topic's subtopics, against TREC's ndeval where that has them."""

from __future__ import annotations

import numpy as np
import pyndeval
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError
from fieldguide.evaluation.measures.providers.diversity import topic_of
from tests.evaluation.runs import run_of, score, values

IMAGES = [f"i{n:02}" for n in range(25)]
SUBTOPICS = ["t.e1", "t.e2", "t.e3"]
judgments = st.dictionaries(
    st.sampled_from(SUBTOPICS), st.dictionaries(st.sampled_from(IMAGES), st.integers(-1, 2), min_size=1), min_size=1
)
lists = st.dictionaries(st.sampled_from(IMAGES), st.integers(0, 5).map(float), min_size=1)


@given(judgments, lists, st.sampled_from([2, 5, 10, 20]), st.sampled_from([0.0, 0.5, 0.75, 1.0]))
@settings(max_examples=400, deadline=None)
def test_one_list_a_topic_has_the_numbers_of_ndeval(
    judged: dict[str, dict[str, int]], run: dict[str, float], k: int, alpha: float
) -> None:
    qrels = [("t", s, i, g) for s, by in judged.items() for i, g in by.items()]
    # Ties by falling id; pyndeval's own order of ties is another one.
    order = sorted(run, key=lambda image: (run[image], image), reverse=True)
    docs = [("t", image, -float(place)) for place, image in enumerate(order)]
    (alphas,) = pyndeval.ndeval(qrels, docs, [f"alpha-nDCG@{k}"], alpha=alpha).values()
    (errs,) = pyndeval.ndeval(qrels, docs, [f"ERR-IA@{k}"]).values()
    name = f"alpha_nDCG@{k}" if alpha == 0.5 else f"alpha_nDCG(alpha={alpha})@{k}"
    found = values(judged, {"t": run}, [name, f"ERR_IA@{k}"])
    relevant = any(grade > 0 for by in judged.values() for grade in by.values())
    for subtopic in judged:
        assert found[subtopic, name] == pytest.approx(alphas[f"alpha-nDCG@{k}"] if relevant else 0.0, abs=1e-9)
        assert found[subtopic, f"ERR_IA@{k}"] == pytest.approx(errs[f"ERR-IA@{k}"], abs=1e-9)


JUDGED = {"t.e1": {"a": 1, "c": 0}, "t.e2": {"b": 1}}


@pytest.mark.parametrize(
    ("run", "both"),
    [
        ({"t": {"a": 3.0, "b": 2.0}}, [0.0, 1.0]),
        ({"t": {"a": 3.0, "c": 2.0, "b": 1.0}}, [0.0, 0.0]),
        ({"t.e1": {"a": 3.0, "b": 2.0}, "t.e2": {"b": 3.0}}, [1.0, 1.0]),
        ({"t.e1": {"c": 3.0, "a": 2.0}, "t.e2": {"b": 3.0}}, [0.0, 1.0]),
        ({"t.e1": {"b": 3.0}, "t.e2": {"a": 3.0}}, [0.0, 0.0]),  # each list is judged for its own subtopic
        ({"t.e1": {"a": 3.0}}, [0.0, 0.0]),
    ],
)
def test_both_entities_takes_a_list_a_topic_or_a_list_a_subtopic(
    run: dict[str, dict[str, float]], both: list[float]
) -> None:
    found = values(JUDGED, run, ["both_entities@1", "both_entities@2"])
    for subtopic in JUDGED:
        assert [found[subtopic, f"both_entities@{k}"] for k in (1, 2)] == both


def test_lists_of_subtopics_are_merged_in_turns() -> None:
    judged = {"t.e2": {"b": 1}, "t.e10": {"d": 1}, "t.e1": {"a": 1, "d": 1}}
    parts = {"t.e10": {"x": 2.0, "d": 1.0}, "t.e1": {"a": 2.0, "x": 1.0}, "t.e2": {"a": 3.0, "b": 2.0, "y": 1.0}}
    merged = {"t": {image: -float(place) for place, image in enumerate(["a", "x", "b", "d", "y"])}}
    names = ["alpha_nDCG@3", "alpha_nDCG@5", "ERR_IA@4"]
    assert values(judged, parts, names) == values(judged, merged, names)


def test_a_first_rank_is_normalised() -> None:
    # ndeval gives 2.0: it divides from rank 2 on
    judged = {"t.e1": {"a": 1}, "t.e2": {"a": 1}}
    assert values(judged, {"t": {"a": 1.0}}, ["ERR_IA@1"]) == {(s, "ERR_IA@1"): 1.0 for s in judged}


def test_a_subtopic_that_cannot_be_served_fails_its_topic() -> None:
    judged = {"t.e1": {"a": 1}, "t.e2": {"a": 0}}
    found = values(judged, {"t": {"a": 1.0}}, ["both_entities@5", "ERR_IA@1", "alpha_nDCG@1"])
    assert [found["t.e2", m] for m in ("both_entities@5", "ERR_IA@1", "alpha_nDCG@1")] == [0.0, 1.0, 1.0]


def test_a_topic_without_a_list_has_the_default() -> None:
    by_topic = score(JUDGED | {"u.e1": {"a": 1}}, run_of({"t": {"a": 1.0}}), ["both_entities@5", "AP"])
    assert [(s.subtopic_id, s.measure, s.defaulted) for s in by_topic] == [
        ("t.e1", "both_entities@5", False), ("t.e1", "AP", True), ("t.e2", "both_entities@5", False),
        ("t.e2", "AP", True), ("u.e1", "both_entities@5", True), ("u.e1", "AP", True),
    ]  # fmt: skip


def test_a_topic_ranked_in_both_ways_is_refused() -> None:
    run = run_of({"t": {"a": 1.0}, "t.e2": {"b": 1.0}})
    with pytest.raises(FieldguideError, match=r"the run ranks both t and t\.e2: rank either the topic"):
        score(JUDGED, run, ["both_entities@5"])
    assert len(score(JUDGED, run, ["AP"])) == 2


@pytest.mark.parametrize(
    ("subtopic", "topic"),
    [("t0007.e2", "t0007"), ("a.b.e10", "a.b"), ("301", "301"), ("q.e", "q.e"), (".e1", ".e1"), ("q.e1x", "q.e1x")],
)
def test_the_topic_of_an_id(subtopic: str, topic: str) -> None:
    assert topic_of(subtopic) == topic


def test_values_are_in_range_whatever_the_lists() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        judged = {s: {i: int(rng.integers(0, 2)) for i in IMAGES} for s in SUBTOPICS}
        run = {s: {i: float(rng.integers(0, 9)) for i in IMAGES} for s in SUBTOPICS}
        found = values(judged, run, ["alpha_nDCG@30", "ERR_IA@30", "both_entities@30"])
        assert all(0 <= value <= 1 for value in found.values())
        assert all(found[s, "both_entities@30"] == 1.0 for s in SUBTOPICS)
