"""Every measure against somebody else's code, over thousands of random runs."""

from __future__ import annotations

import itertools
from random import Random

import numpy as np
import pytest
import pytrec_eval
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from fieldguide.evaluation.measures.providers.visret import visret_ndcg
from tests.evaluation.runs import Grades, Scores, run_of, score, values, written_run

THEIRS = {
    "nDCG": "ndcg", "nDCG@1": "ndcg_cut_1", "nDCG@10": "ndcg_cut_10", "nDCG@30": "ndcg_cut_30", "P@1": "P_1",
    "P@10": "P_10", "R@10": "recall_10", "R@30": "recall_30", "Success@10": "success_10", "hit@10": "success_10",
    "hit@1": "success_1", "AP": "map", "AP@10": "map_cut_10", "RR": "recip_rank", "Rprec": "Rprec", "Bpref": "bpref",
    "IPrec@1.0": "iprec_at_recall_1.00", "SetP": "set_P", "SetR": "set_recall", "infAP": "infAP",
}  # fmt: skip
AT_TWO = {
    "P(rel=2)@10": "P_10", "AP(rel=2)": "map", "hit(rel=2)@10": "success_10", "RR(rel=2)": "recip_rank",
    "Success(rel=2)@10": "success_10", "R(rel=2)@10": "recall_10",
}  # fmt: skip
IMAGES = [f"i{n:02}" for n in range(40)]
TOPICS = ["t1.e1", "t1.e2", "t2.e1", "7"]

grades = st.dictionaries(
    st.sampled_from(TOPICS), st.dictionaries(st.sampled_from(IMAGES), st.integers(-2, 3), min_size=1), min_size=1
)
# Few values, so that most images are tied; 1 and 1 + 1e-9 are one value to trec_eval.
scored = st.dictionaries(
    st.sampled_from(TOPICS),
    st.dictionaries(st.sampled_from(IMAGES), st.sampled_from([0.0, 1.0, 1.0 + 1e-9, 2.5, -3.0]), min_size=1),
)


def differences(judged: Grades, run: Scores) -> list[tuple[str, str, float, float]]:
    """Topic, measure, our value and trec_eval's, wherever they differ, be it in the last bit."""
    found = values(judged, run, [*THEIRS, *AT_TWO])
    # pytrec_eval itself ends the process on a topic without a grade of 0 or more, which has 0 in every measure.
    safe = {topic: by for topic, by in judged.items() if max(by.values()) >= 0}
    differing = []
    for names, level in ((THEIRS, 1), (AT_TWO, 2)):
        evaluator = pytrec_eval.RelevanceEvaluator(safe, set(names.values()), relevance_level=level)
        theirs = evaluator.evaluate(run)
        for topic, (mine, their) in itertools.product(judged, names.items()):
            expected = theirs[topic][their] if topic in theirs else 0.0
            if found[topic, mine] != expected:
                differing.append((topic, mine, found[topic, mine], expected))
    return differing


@given(grades, scored)
@example({"7": {"i00": 0}}, {})
@example({"7": {"i00": -1}}, {"7": {"i01": 0.0}})
@settings(max_examples=500, deadline=None)
def test_standard_measures_are_those_of_trec_eval(
    judged: dict[str, dict[str, int]], run: dict[str, dict[str, float]]
) -> None:
    assert differences(judged, run) == []


@pytest.mark.parametrize("seed", range(4))
def test_they_are_so_in_thousands_of_random_lists(seed: int) -> None:
    rng = np.random.default_rng(seed)
    judged: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for topic in range(1000):
        pool, listed = (rng.permutation(60)[: rng.integers(1, 60)].tolist() for _ in range(2))
        top = int(rng.integers(1, 4))
        judged[f"q{topic}"] = {f"d{n}": int(rng.integers(-1, top + 1)) for n in pool}
        if rng.random() < 0.95:
            steps = int(rng.integers(1, 30))
            run[f"q{topic}"] = {f"d{n}": float(rng.integers(0, steps)) / 7 for n in listed}
    run["unknown"] = {"d1": 1.0}
    assert differences(judged, run) == []


# Everything but white space; a NUL ends a text in C, and a lone surrogate is no text at all.
names = st.text(
    st.characters(exclude_categories=("Cs", "Z"), exclude_characters="\0\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85"), min_size=1
)


@given(st.dictionaries(names, st.tuples(st.integers(0, 1), st.sampled_from([1.0, 2.0])), min_size=1), names)
@settings(max_examples=150, deadline=None)
def test_ids_may_be_any_text_without_white_space(
    tmp_path_factory: pytest.TempPathFactory, images: dict[str, tuple[int, float]], topic: str
) -> None:
    assume(not topic.startswith("#"))  # a comment
    judged = {topic: {image: grade for image, (grade, _) in images.items()}}
    run = {topic: {image: value for image, (_, value) in images.items()}}
    theirs = pytrec_eval.RelevanceEvaluator(judged, {"map"}).evaluate(run)[topic]["map"]
    found = score(judged, written_run(run, tmp_path_factory.mktemp("run")), ["AP", "revisitop_AP"])
    assert found[0].value == pytest.approx(theirs, abs=1e-9)
    assert not found[0].defaulted


def as_visret_calls_it(top: list[int]) -> float:
    """The published procedure, sklearn's call included."""
    if not any(top):
        return 0.0
    if len(top) == 1:  # at k = 1 the published code takes its hit rate
        return 1.0
    return float(ndcg_score([sorted(top, reverse=True)], [top]))


@pytest.mark.parametrize("length", range(1, 10))
def test_visret_ndcg_is_sklearns_call_on_every_short_list(length: int) -> None:
    for top in itertools.product([0, 1], repeat=length):
        assert visret_ndcg(np.array(top, dtype=bool)) == pytest.approx(as_visret_calls_it(list(top)), abs=1e-12)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=120))
@settings(max_examples=2000, deadline=None)
def test_and_on_long_ones(top: list[int]) -> None:
    assert visret_ndcg(np.array(top, dtype=bool)) == pytest.approx(as_visret_calls_it(top), abs=1e-12)


@given(grades, scored, st.sampled_from([1, 2, 5, 10, 30, 100]))
@settings(max_examples=300, deadline=None)
def test_so_are_the_scores_of_runs(judged: dict[str, dict[str, int]], run: dict[str, dict[str, float]], k: int) -> None:
    found = values(judged, run, [f"visret_nDCG@{k}", f"hit@{k}", f"inquire_AP@{k}", "revisitop_AP", f"RR@{k}"])
    for topic, by in judged.items():
        order = sorted(run.get(topic, {}), key=lambda i: (np.float32(run[topic][i]), i), reverse=True)
        relevant = [int(by.get(image, 0) > 0) for image in order]
        top, positives = relevant[:k], sum(grade > 0 for grade in by.values())
        assert found[topic, f"visret_nDCG@{k}"] == pytest.approx(as_visret_calls_it(top) if top else 0.0, abs=1e-12)
        if k == 1:
            assert found[topic, "visret_nDCG@1"] == found[topic, "hit@1"]
        precisions = sum(sum(top[: i + 1]) / (i + 1) for i, one in enumerate(top) if one)
        assert found[topic, f"inquire_AP@{k}"] == pytest.approx(precisions / max(min(positives, k), 1), abs=1e-12)
        assert found[topic, f"RR@{k}"] == pytest.approx(
            max((1 / (i + 1) for i, one in enumerate(top) if one), default=0)
        )
        kept = [one for one, image in zip(relevant, order, strict=True) if by.get(image, 0) >= 0]
        assert found[topic, "revisitop_AP"] == pytest.approx(oxford_ap(kept, positives), abs=1e-12)


def oxford_ap(relevant: list[int], positives: int) -> float:
    """Area by trapezoids between the points of precision over recall after each image; the first precision is 1."""
    area, recall, precision, seen = 0.0, 0.0, 1.0, 0
    for place, one in enumerate(relevant, 1):
        seen += one
        here = (seen / positives if positives else 0.0, seen / place)
        area += (here[0] - recall) * (precision + here[1]) / 2
        recall, precision = here
    return area


@given(grades, scored, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_a_runs_lines_changes_no_measure(
    judged: dict[str, dict[str, int]], run: dict[str, dict[str, float]], random: Random
) -> None:
    lines = run_of(run)
    order = random.sample(range(len(lines)), len(lines))
    mine = ["visret_nDCG@10", "hit@10", "inquire_AP@5", "revisitop_AP", "both_entities@10", "ERR_IA@10", "AP"]
    assert score(judged, lines, mine) == score(judged, lines.iloc[order], mine)
