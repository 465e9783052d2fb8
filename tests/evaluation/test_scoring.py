"""Scores are trec_eval's numbers, ties included."""

from pathlib import Path

import ir_measures
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.evaluation.measures.parsing import parse_measures
from tests.evaluation.runs import run_of, score, values, written_run

NAMES = {
    "nDCG@1": "ndcg_cut_1", "nDCG@10": "ndcg_cut_10", "nDCG@30": "ndcg_cut_30", "P@10": "P_10", "R@10": "recall_10",
    "R@30": "recall_30", "Success@10": "success_10", "AP": "map", "RR": "recip_rank",
}  # fmt: skip
IMAGES = [f"i{n:02}" for n in range(40)]


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
    mine = {
        (s.subtopic_id, s.measure): s
        for s in score(judged, written_run(run, tmp_path_factory.mktemp("run")), list(NAMES))
    }
    theirs = pytrec_eval.RelevanceEvaluator(judged, set(NAMES.values())).evaluate(run)
    assert len(mine) == len(judged) * len(NAMES)
    for (subtopic, measure), found in mine.items():
        assert found.defaulted == (subtopic not in run)
        assert found.value == (theirs[subtopic][NAMES[measure]] if subtopic in run else 0.0)


# Some look at what is judged and not relevant.
OTHERS = [
    *NAMES, "RR@5", "RR(rel=2)@5", "Judged@3", "Judged", "Bpref", "infAP", "Rprec", "AP(rel=2)@10", "SetF(rel=2)",
    "IPrec@0.0", "AP(judged_only=True)", "P(judged_only=True)@2", "nDCG(gains={0:2,1:5,2:1})@5",
]  # fmt: skip
lists = st.lists(st.sampled_from(IMAGES), unique=True, min_size=1)


@given(
    st.dictionaries(
        st.sampled_from(["q1", "q2"]), st.dictionaries(st.sampled_from(IMAGES), st.integers(0, 3)), min_size=1
    ),
    st.dictionaries(st.sampled_from(["q1", "q2"]), lists, min_size=1),
)
@settings(max_examples=100, deadline=None)
def test_measures_that_are_given_places_say_what_they_say_of_ids(
    judged: dict[str, dict[str, int]], ranked: dict[str, list[str]]
) -> None:
    graded = {subtopic: by for subtopic, by in judged.items() if by}
    run = {subtopic: {i: -float(n) for n, i in enumerate(images)} for subtopic, images in ranked.items()}
    theirs = {
        (m.query_id, str(m.measure)): m.value
        for m in ir_measures.iter_calc(parse_measures(OTHERS), graded, run)
        if m.query_id in graded
    }
    for together in (OTHERS, list(NAMES)):
        mine = values(graded, run, together)
        assert mine == {key: theirs[key] for key in mine}


def test_the_judged_share_follows_the_same_order_of_ties(tmp_path: Path) -> None:
    # b before a: of equal scores the falling id comes first, also for the provider that would sort them rising
    found = score({"q": {"b": 1}}, written_run({"q": {"a": 1.0, "b": 1.0}}, tmp_path), ["Judged@1", "P@1"])
    assert [(s.measure, s.value) for s in found] == [("Judged@1", 1.0), ("P@1", 1.0)]


def test_subtopics_without_judgments_are_not_scored() -> None:
    assert score({}, run_of({"q": {"a": 1.0}}), ["AP"]) == []
    found = score({"q": {"a": 1}}, run_of({"p": {"a": 1.0}, "q": {"a": 1.0}}), ["AP"])
    assert [s.subtopic_id for s in found] == ["q"]


def test_a_subtopic_that_the_run_lacks_is_named_and_has_the_default() -> None:
    found = score({"p": {"a": 1}, "q": {"a": 1}}, run_of({"q": {"a": 1.0}}), ["RR@5", "hit@1", "AP"])
    assert [(s.subtopic_id, s.measure, s.value, s.defaulted) for s in found] == [
        ("p", "RR@5", 0.0, True), ("p", "hit@1", 0.0, True), ("p", "AP", 0.0, True),
        ("q", "RR@5", 1.0, False), ("q", "hit@1", 1.0, False), ("q", "AP", 1.0, False),
    ]  # fmt: skip


def test_lines_may_stand_in_any_order() -> None:
    judged = {"p": {"a": 1, "b": 0}, "q": {"a": 0, "b": 1}}
    run = run_of({"p": {"a": 2.0, "b": 1.0}, "q": {"a": 2.0, "b": 1.0}})
    assert score(judged, run.iloc[[3, 1, 0, 2]], ["AP"]) == score(judged, run, ["AP"])


def test_equal_ranks_are_ordered_as_equal_scores_are() -> None:
    run = run_of({"q": {"a": 2.0, "b": 1.0}}).assign(rank=1)
    assert [s.value for s in score({"q": {"b": 1}}, run, ["P@1", "hit@1", "Judged@1"])] == [1.0, 1.0, 1.0]


def test_other_gains_do_not_reach_plain_ndcg() -> None:
    # ir-measures alone gives 1.0 and 0.0 here
    found = values({"q": {"a": 1, "b": 2}}, {"q": {"a": 2.0, "b": 1.0}}, ["nDCG(gains={1:5,2:1})@2", "nDCG@2"])
    assert found == pytest.approx({("q", "nDCG(gains={1:5,2:1})@2"): 1.0, ("q", "nDCG@2"): 0.8597186998521972})


def test_a_subtopic_of_junk_alone_ends_nothing() -> None:
    # pytrec_eval alone ends the process at this pair of measures
    judged = {"p": {"a": 1}, "q": {"a": -1}}
    assert set(values({"q": {"a": -1}}, {"q": {"b": 1.0}}, ["Rprec", "Bpref", "revisitop_AP"]).values()) == {0.0}
    found = values(judged, {t: {"a": 1.0} for t in judged}, ["Rprec", "Bpref", "Judged@1"])
    assert [found["q", m] for m in ("Rprec", "Bpref", "Judged@1")] == [0.0, 0.0, 1.0]
    assert [found["p", m] for m in ("Rprec", "Bpref", "Judged@1")] == [1.0, 1.0, 1.0]


def test_a_grade_that_trec_eval_cannot_count_is_refused() -> None:
    assert values({"q": {"a": 1000}}, {"q": {"a": 1.0}}, ["nDCG"]) == {("q", "nDCG"): 1.0}
    with pytest.raises(ProblemsError, match=r"q a: grade is 1001; expected -1000 to 1000[^$]*q b: grade is -1001;"):
        values({"q": {"a": 1001, "b": -1001, "c": -1000}}, {}, ["AP"])


@pytest.mark.parametrize("column", ["image_id", "subtopic_id"])
def test_an_id_that_ends_trec_eval_is_refused(column: str) -> None:
    run = run_of({"q": {"a": 1.0}}).assign(**{column: "a\0b"})
    with pytest.raises(FieldguideError, match=r"the id 'a\\x00b' holds a NUL character; rename it"):
        score({"q": {"a": 1}}, run, ["AP"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hits@10", "evaluate.measures.0: 'hits@10' is no measure; there are AP, Bpref, ERR_IA, IPrec, Judged,"),
        ("nDCG@@10", "is not written as a measure (problem parsing measure"),
        ("nDCG@ten", "is not written as a measure"),
        ("P", "is not written as a measure (invalid param cutoff="),
        ("P(deep=1)@10", "is not written as a measure (unsupported params found: ['deep'])"),
        ("ERR@10", "is nothing that is computed here; for example nDCG@10"),
        ("alpha_nDCG(alpha=2.0)@10", "is nothing that is computed here; of this measure it computes alpha_nDCG with"),
        ("IPrec@0.6", "has a recall level that trec_eval 9, which would compute it here, and trec_eval 10 round to"),
        ("P@0", "has cutoff 0; expected a whole number from 1"),
        ("nDCG@True", "has cutoff True; expected a whole number from 1"),
        ("P(rel=0)@5", "has rel 0; expected a whole number from 1"),
        (
            "nDCG(gains={1:0.5})@5",
            "has the gain 0.5 of grade 1; expected a whole number of each, the gain from 0 to 1000",
        ),
        ("nDCG(gains={1:9999})@5", "has the gain 9999 of grade 1"),
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
