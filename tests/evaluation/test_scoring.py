"""Scores are trec_eval's numbers, ties included."""

from pathlib import Path

import pandas as pd
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.errors import ProblemsError
from fieldguide.evaluation.measures import parse_measures
from fieldguide.evaluation.scoring import Score, Scorer
from fieldguide.records import QRELS
from fieldguide.retrieval.runs import rank_images, read_run, write_run

NAMES = {
    "nDCG@1": "ndcg_cut_1", "nDCG@10": "ndcg_cut_10", "nDCG@30": "ndcg_cut_30", "P@10": "P_10", "R@10": "recall_10",
    "R@30": "recall_30", "Success@10": "success_10", "AP": "map", "RR": "recip_rank",
}  # fmt: skip
IMAGES = [f"i{n:02}" for n in range(40)]


def qrels_of(grades: dict[str, dict[str, int]]) -> pd.DataFrame:
    return QRELS.frame([
        {"subtopic_id": s, "image_id": i, "grade": g, "assessors": ["a"], "judgments": 1, "decided_by": "single"}
        for s, by in grades.items() for i, g in by.items()
    ])  # fmt: skip


def score(
    grades: dict[str, dict[str, int]], run: dict[str, dict[str, float]], measures: list[str], tmp: Path
) -> list[Score]:
    path = tmp / "s.trec"
    write_run(path, [x for s, by in run.items() for x in rank_images(s, list(by), list(by.values()), "s")])
    return Scorer(parse_measures(measures), qrels_of(grades)).score(read_run(path))


grades = st.dictionaries(st.sampled_from(IMAGES), st.sampled_from([0, 1]), min_size=1)
# Few values, so that most images are tied; 1 and 1 + 1e-9 are one value to trec_eval.
scored = st.dictionaries(st.sampled_from(IMAGES), st.sampled_from([0.0, 1.0, 1.0 + 1e-9, 2.5]), min_size=1)


@given(
    st.dictionaries(st.sampled_from(["q1", "q2"]), grades, min_size=1),
    st.dictionaries(st.sampled_from(["q1", "q2"]), scored),
)
@settings(max_examples=60, deadline=None)
def test_they_are_what_trec_eval_says_of_the_same_scores(
    tmp_path_factory: pytest.TempPathFactory, judged: dict[str, dict[str, int]], run: dict[str, dict[str, float]]
) -> None:
    mine = {(s.subtopic_id, s.measure): s for s in score(judged, run, list(NAMES), tmp_path_factory.mktemp("run"))}
    theirs = pytrec_eval.RelevanceEvaluator(judged, set(NAMES.values())).evaluate(run)
    assert len(mine) == len(judged) * len(NAMES)
    for (subtopic, measure), found in mine.items():
        assert found.defaulted == (subtopic not in run)
        assert found.value == (theirs[subtopic][NAMES[measure]] if subtopic in run else 0.0)


def test_the_judged_share_follows_the_same_order_of_ties(tmp_path: Path) -> None:
    # b before a: of equal scores the falling id comes first, also for the provider that would sort them rising
    found = score({"q": {"b": 1}}, {"q": {"a": 1.0, "b": 1.0}}, ["Judged@1", "P@1"], tmp_path)
    assert [(s.measure, s.value) for s in found] == [("Judged@1", 1.0), ("P@1", 1.0)]


def test_subtopics_without_judgments_are_not_scored(tmp_path: Path) -> None:
    assert score({}, {"q": {"a": 1.0}}, ["AP"], tmp_path) == []
    assert [s.subtopic_id for s in score({"q": {"a": 1}}, {"p": {"a": 1.0}, "q": {"a": 1.0}}, ["AP"], tmp_path)] == [
        "q"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hits@10", "evaluate.measures.0: 'hits@10' is no measure; there are AP, Bpref, ERR_IA, IPrec, Judged,"),
        ("nDCG@@10", "is not written as a measure (problem parsing measure"),
        ("nDCG@ten", "is not written as a measure"),
        ("P", "is not written as a measure (invalid param cutoff="),
        ("P(deep=1)@10", "is not written as a measure (unsupported params found: ['deep'])"),
        ("nDCG(dcg='exp-log2')@10", "is nothing that is computed here; of this measure it computes nDCG with"),
        ("ERR@10", "is nothing that is computed here; for example nDCG@10"),
        ("alpha_nDCG(alpha=2.0)@10", "is nothing that is computed here; of this measure it computes alpha_nDCG with"),
        ("P@0", "has the cutoff 0; expected a whole number from 1"),
        ("nDCG@True", "has the cutoff True; expected a whole number from 1"),
        ("P@-1", "is not written as a measure"),
        ("hit", "is not written as a measure (invalid param cutoff="),
        ("visret_nDCG@0", "is not written as a measure (invalid param cutoff=0)"),
        ("revisitop_AP@10", "is not written as a measure (unsupported params found: ['cutoff'])"),
        (f"P{'@1' * 200}", "has 401 characters; a measure has at most 200"),
        ("Recall@10", "is written 'R@10'"),
        ("NumQ", "has no mean over subtopics"),
    ],
)
def test_an_unknown_measure_is_refused_with_what_would_work(text: str, message: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        parse_measures([text])
    assert message in str(caught.value)


def test_all_bad_measures_are_told_at_once() -> None:
    with pytest.raises(ProblemsError) as caught:
        parse_measures(["AP", "hits@1", "P@3", "AP", "P"])
    assert [p.where.rsplit(".", 1)[1] for p in caught.value.problems] == ["1", "4", "3"]
    assert "'AP' occurs twice" in str(caught.value)


def test_measures_keep_their_order() -> None:
    texts = ["RR@5", *NAMES, "Judged@10", "nDCG"]
    assert [str(measure) for measure in parse_measures(texts)] == texts
