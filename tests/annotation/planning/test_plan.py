"""The plan: everything is asked, evenly, in an order that tells nothing, and nothing asked is ever taken back."""

from collections import Counter
from collections.abc import Collection
from itertools import combinations, pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.annotation.judgments.log import Judgment as Said
from fieldguide.annotation.judgments.log import LogEntry, append
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.draws import draw
from fieldguide.annotation.planning.plan import make_plan, page_key
from fieldguide.annotation.planning.section import Annotate, Preannotation, Stopping
from fieldguide.core.errors import ProblemsError
from fieldguide.records.judgments import POOLS
from fieldguide.records.plan import PLAN
from fieldguide.records.topics import Subtopic, Topic

GUIDELINE = "fruit-1"


def subtopics_of(count: int) -> dict[str, Subtopic]:
    """`count` topics of two entities each."""
    topics = [
        Topic(f"t{n}", "comparison", "which", "Which is red?", ("a", "b"), "skin colour", "skin", "a", {"a": "red"})
        for n in range(count)
    ]
    return {s.subtopic_id: s for topic in topics for s in topic.subtopics}


def pools_of(sizes: dict[str, int], sampled: int = 2) -> pd.DataFrame:
    """Pools in which the last `sampled` images are the random sample."""
    return POOLS.frame(
        [
            {
                "subtopic_id": subtopic, "image_id": f"i{n:03}", "systems": ["a"] if n < size - sampled else [],
                "ranks": [n + 1] if n < size - sampled else [], "best_rank": n + 1 if n < size - sampled else None,
                "sampled": n >= size - sampled,
            }
            for subtopic, size in sizes.items()
            for n in range(size)
        ]
    )  # fmt: skip


def gold_of(pairs: list[Pair]) -> dict[Pair, int]:
    return dict.fromkeys(pairs, 0)


def annotate_of(**keys: object) -> Annotate:
    return Annotate.model_validate({"assessors": ["ada", "ben", "cleo"], "seed": 1} | keys)


def sizes_of(topics: int, size: int) -> dict[str, int]:
    return {subtopic: size + n % 3 for n, subtopic in enumerate(subtopics_of(topics))}


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[str, int], Annotate, dict[Pair, int]]:
    people = draw(st.integers(1, 5))
    topics = draw(st.integers(1, 4))
    sizes = {subtopic: draw(st.integers(1, 25)) for subtopic in subtopics_of(topics)}
    gold_share = draw(st.sampled_from([0.0, 0.1, 0.3]))
    annotate = annotate_of(
        assessors=[f"p{n}" for n in range(people)], overlap=draw(st.integers(1, people)),
        page=draw(st.integers(1, 8)), seed=draw(st.integers(0, 99)), gold="gold.csv", gold_share=gold_share,
        repeat_share=draw(st.sampled_from([0.0, 0.1, 0.3])),
        preannotation=draw(st.sampled_from([None, Preannotation(system="visret", share=0.5)])),
        stopping=draw(st.sampled_from([None, Stopping(rule="consecutive", count=5)])),
    )  # fmt: skip
    pairs = [(subtopic, f"i{n:03}") for subtopic in sizes for n in (0, 3, 40)]
    gold = gold_of(draw(st.lists(st.sampled_from(pairs), unique=True, max_size=6)) or pairs[:1])
    return sizes, annotate, gold


def plan_of(sizes: dict[str, int], annotate: Annotate, gold: Collection[Pair] = (), **more: object) -> pd.DataFrame:
    return make_plan(pools_of(sizes), subtopics_of(9), annotate, GUIDELINE, gold, **more)


@settings(max_examples=25, deadline=None)
@given(plans())
def test_every_pair_is_asked_of_as_many_as_wanted_and_gold_of_everybody(
    made: tuple[dict[str, int], Annotate, dict[Pair, int]],
) -> None:
    sizes, annotate, gold = made
    plan = plan_of(sizes, annotate, gold)
    assert list(PLAN.problems(plan, "plan")) == []
    first = plan[plan["pass"] == 1].groupby(["subtopic_id", "image_id"])
    asked = first["assessor"].nunique().to_dict()
    golden = set(map(tuple, plan.loc[plan["purpose"] == "gold", ["subtopic_id", "image_id"]].to_numpy()))
    pooled = {(s, f"i{n:03}") for s, size in sizes.items() for n in range(size)}
    assert set(asked) == pooled | golden
    for pair, people in asked.items():
        assert people == (len(annotate.assessors) if pair in golden else annotate.overlap)
    assert (plan.loc[plan["rank"] == 0, "purpose"] == "gold").all()


@settings(max_examples=25, deadline=None)
@given(plans())
def test_loads_are_even_and_shares_are_kept(made: tuple[dict[str, int], Annotate, dict[Pair, int]]) -> None:
    sizes, annotate, gold = made
    plan = plan_of(sizes, annotate, gold)
    count = plan.groupby(["assessor", "purpose"]).size().unstack(fill_value=0).reindex(annotate.assessors, fill_value=0)
    judged = count.get("judge", pd.Series(0, index=count.index))
    assert judged.max() - judged.min() <= 1
    assert (count.get("gold", 0 * judged) <= annotate.gold_share * (judged + count.get("gold", 0 * judged))).all()
    assert (count.get("repeat", 0 * judged) <= annotate.repeat_share * judged).all()


@settings(max_examples=25, deadline=None)
@given(plans())
def test_a_page_is_of_one_subtopic_pass_and_sight(made: tuple[dict[str, int], Annotate, dict[Pair, int]]) -> None:
    sizes, annotate, gold = made
    plan = plan_of(sizes, annotate, gold)
    for key, page in plan.groupby("page_key"):
        assert len(page) <= annotate.page
        for name in ("assessor", "subtopic_id", "pass", "sighted", "queue"):
            assert page[name].nunique() == 1
        assert page["position"].tolist() == list(range(1, len(page) + 1))
        assert key == page_key(page["assessor"].iloc[0], page["task_key"].tolist())
    sighted = plan[plan["sighted"]]
    assert set(sighted["purpose"]) <= {"judge"}
    assert annotate.preannotation is not None or sighted.empty
    for _, mine in plan.groupby("assessor"):
        assert sorted(mine["queue"].unique()) == list(range(1, mine["page_key"].nunique() + 1))


@settings(max_examples=25, deadline=None)
@given(plans(), st.integers(1, 12))
def test_a_plan_only_grows_and_asks_nothing_twice(
    made: tuple[dict[str, int], Annotate, dict[Pair, int]], more: int
) -> None:
    sizes, annotate, gold = made
    plan = plan_of(sizes, annotate, gold)
    assert plan_of(sizes, annotate, gold, previous=plan).equals(plan)
    fewer = dict(list(sizes.items())[:1])
    larger = sizes | {"t7.e1": more, next(iter(sizes)): next(iter(sizes.values())) + more}
    for changed in (fewer, larger):
        grown = plan_of(changed, annotate, gold, previous=plan)
        kept = grown.merge(plan, how="inner")
        assert len(kept) == len(plan)
        assert not grown.duplicated(["assessor", "task_key"]).any()
        for name, mine in grown.groupby("assessor"):
            before = plan.loc[plan["assessor"] == name, "queue"].max()
            new = mine[~mine["page_key"].isin(plan["page_key"])]
            assert (new["queue"] > before).all() or new.empty or name not in set(plan["assessor"])
        first = grown[(grown["pass"] == 1)].groupby(["subtopic_id", "image_id"])["assessor"].nunique()
        assert first.min() >= annotate.overlap


@settings(max_examples=15, deadline=None)
@given(plans())
def test_the_same_arguments_give_the_same_plan_in_whatever_order_rows_come(
    made: tuple[dict[str, int], Annotate, dict[Pair, int]],
) -> None:
    sizes, annotate, gold = made
    pools = pools_of(sizes)
    one = make_plan(pools, subtopics_of(9), annotate, GUIDELINE, gold)
    other = make_plan(pools.iloc[::-1], subtopics_of(9), annotate, GUIDELINE, [*gold][::-1])
    assert one.equals(other)


@pytest.fixture(scope="module")
def large() -> pd.DataFrame:
    gold = gold_of([(s, f"i{n:03}") for n, s in enumerate(subtopics_of(9))])
    annotate = annotate_of(gold="gold.csv", gold_share=0.05, repeat_share=0.05)
    return plan_of(sizes_of(9, 120), annotate, gold)


@pytest.mark.parametrize(("people", "overlap"), [(3, 2), (4, 2), (5, 3)])
def test_all_pairings_of_assessors_occur_about_equally(people: int, overlap: int) -> None:
    names = [f"p{n}" for n in range(people)]
    plan = plan_of(sizes_of(5, 60), annotate_of(assessors=names, overlap=overlap))
    together = Counter(
        pair
        for _, row in plan.groupby(["subtopic_id", "image_id"])
        for pair in combinations(sorted(row["assessor"]), 2)
    )
    assert set(together) == set(combinations(names, 2))
    assert max(together.values()) - min(together.values()) <= 3


def test_pool_ranks_are_spread_over_assessors_and_over_the_queue(large: pd.DataFrame) -> None:
    judged = large[large["purpose"] == "judge"]
    top = judged.assign(top=judged["rank"] <= 40, part=judged["queue"] * 3 // (judged["queue"].max() + 1))
    assert top.groupby("assessor")["top"].mean().std() < 0.01
    assert top.groupby(["assessor", "part"])["top"].mean().between(0.23, 0.43).all()


def test_everybody_sees_topics_in_another_order(large: pd.DataFrame) -> None:
    orders = {
        tuple(mine.loc[mine["purpose"] == "judge"].sort_values("queue")["subtopic_id"].drop_duplicates())
        for _, mine in large.groupby("assessor")
    }
    assert len(orders) == 3


def test_a_subtopic_is_asked_in_pool_order_and_pages_are_shuffled(large: pd.DataFrame) -> None:
    judged = large[large["purpose"] == "judge"]
    shuffled = 0
    for _, block in judged.groupby(["assessor", "subtopic_id"]):
        pages = [page["rank"].tolist() for _, page in block.sort_values(["queue", "position"]).groupby("queue")]
        for earlier, later in pairwise(pages):
            assert max(earlier) < min(later)
        shuffled += sum(page != sorted(page) for page in pages)
    assert shuffled > 0.8 * judged["page_key"].nunique()


def test_gold_hides_among_others_and_is_spread_over_the_queue(large: pd.DataFrame) -> None:
    for _, mine in large.groupby("assessor"):
        gold = mine[mine["purpose"] == "gold"]
        assert len(gold) == 18
        assert gold["position"].nunique() > 3
        sizes = mine.groupby("page_key").size()
        assert sizes[gold["page_key"]].median() == 8
        gaps = gold["queue"].sort_values().diff().max()
        assert gaps < mine["queue"].max() / 3


def test_gold_comes_early_where_a_rule_may_stop_before_the_end() -> None:
    stopping = Stopping(rule="consecutive", count=5, wave=1)
    annotate = annotate_of(gold="gold.csv", gold_share=0.2, stopping=stopping)
    plan = plan_of(sizes_of(5, 90), annotate, gold_of([(s, "i085") for s in subtopics_of(5)]))
    gold = plan[plan["purpose"] == "gold"]
    assert len(gold) == 30
    first = plan.groupby(["assessor", "subtopic_id"])["queue"].min()
    place = [row.queue - first[row.assessor, row.subtopic_id] for row in gold.itertuples()]
    assert set(place) == {0}


def test_gold_that_is_not_pooled_is_asked_and_that_of_other_subtopics_is_not() -> None:
    annotate = annotate_of(gold="gold.csv", gold_share=0.3, subtopics=["t0"])
    plan = plan_of(sizes_of(2, 20), annotate, gold_of([("t0.e1", "elsewhere"), ("t1.e1", "i000"), ("t8.e1", "i000")]))
    assert set(plan["subtopic_id"]) == {"t0.e1", "t0.e2"}
    gold = plan[plan["purpose"] == "gold"]
    assert gold["image_id"].tolist() == ["elsewhere"] * 3
    assert gold["rank"].tolist() == [0, 0, 0]


def test_repeats_come_a_third_of_the_queue_later_and_ask_the_same_again(large: pd.DataFrame) -> None:
    for name, mine in large.groupby("assessor"):
        asked = mine[mine["purpose"] == "judge"].set_index(["subtopic_id", "image_id"])["queue"]
        again = mine[mine["purpose"] == "repeat"]
        assert len(again) == int(0.05 * len(asked)), name
        assert set(again["pass"]) == {2}
        gaps = [row.queue - asked[row.subtopic_id, row.image_id] for row in again.itertuples()]
        assert min(gaps) >= mine["queue"].max() / 3


def test_a_guess_is_shown_for_about_the_share() -> None:
    annotate = annotate_of(preannotation=Preannotation(system="visret", share=0.3))
    plan = plan_of(sizes_of(9, 120), annotate)
    assert 0.2 < plan["sighted"].mean() < 0.4
    both = plan.groupby(["subtopic_id", "image_id"])["sighted"].nunique()
    assert (both == 2).mean() > 0.2


def test_a_shared_project_asks_anybody_once() -> None:
    annotate = annotate_of(projects="shared", gold="gold.csv", gold_share=0.1)
    plan = plan_of(sizes_of(3, 20), annotate, gold_of([("t0.e1", "i000"), ("t1.e1", "elsewhere")]))
    assert set(plan["assessor"]) == {"anybody"}
    assert not plan.duplicated(["subtopic_id", "image_id"]).any()
    assert sorted(plan.loc[plan["purpose"] == "gold", "image_id"]) == ["elsewhere", "i000"]
    assert plan_of(sizes_of(3, 20), annotate_of(), previous=plan).equals(plan)


def test_more_overlap_asks_one_person_more_and_a_newcomer_need_not_catch_up() -> None:
    plan = plan_of(sizes_of(2, 30), annotate_of(overlap=1))
    more = plan_of(sizes_of(2, 30), annotate_of(overlap=2), previous=plan)
    assert (more.groupby(["subtopic_id", "image_id"])["assessor"].nunique() == 2).all()
    people = ["ada", "ben", "cleo", "dan"]
    grown = plan_of(sizes_of(4, 30), annotate_of(assessors=people), previous=more)
    added = grown[~grown["task_key"].isin(more["task_key"])].groupby("assessor").size()
    assert added.max() - added.min() <= 2


def test_what_somebody_who_left_did_not_judge_is_asked_of_others(tmp_path: Path) -> None:
    sizes = {"t0.e1": 20}
    plan = plan_of(sizes, annotate_of())
    left = plan[plan["assessor"] == "cleo"]
    judged = left.head(5)
    entries = log_of(tmp_path, judged)
    remaining = annotate_of(assessors=["ada", "ben"])
    grown = plan_of(sizes, remaining, previous=plan, entries=entries)
    added = grown[~grown["page_key"].isin(plan["page_key"])]
    assert set(added["image_id"]) == set(left["image_id"]) - set(judged["image_id"])
    assert set(added["assessor"]) <= {"ada", "ben"}


def test_another_guideline_asks_anew_unless_it_grades_alike() -> None:
    sizes = {"t0.e1": 20}
    plan = plan_of(sizes, annotate_of())
    pools = pools_of(sizes)
    alike = make_plan(pools, subtopics_of(1), annotate_of(), "fruit-2", None, plan, compatible=[GUIDELINE])
    assert alike.equals(plan)
    anew = make_plan(pools, subtopics_of(1), annotate_of(), "fruit-2", None, plan)
    assert anew.groupby("guideline").size().to_dict() == {"fruit-1": 40, "fruit-2": 40}


def test_an_image_keeps_its_rank_when_the_pool_changes() -> None:
    plan = plan_of({"t0.e1": 10}, annotate_of(overlap=1))
    pools = pools_of({"t0.e1": 12})
    pools["image_id"] = [f"j{n}" for n in range(2)] + [f"i{n:03}" for n in range(10)]
    grown = make_plan(pools, subtopics_of(1), annotate_of(overlap=2), GUIDELINE, None, plan)
    ranks = grown.groupby("image_id")["rank"].agg(set)
    assert all(len(rank) == 1 for rank in ranks)
    assert ranks["i000"] == {1}
    assert ranks["j0"] == {1}


def test_all_that_is_unknown_is_told_at_once() -> None:
    annotate = annotate_of(assessors=["anybody", "ben"], subtopics=["t0", "t99", "t0.e9"])
    with pytest.raises(ProblemsError) as error:
        make_plan(pools_of({"t0.e1": 3, "gone.e1": 3}), subtopics_of(1), annotate, GUIDELINE)
    assert str(error.value).splitlines() == [
        "nothing was planned:",
        "  annotate.subtopics: t99: is no topic and no subtopic of data/topics/topics.jsonl",
        "  annotate.subtopics: t0.e9: is no topic and no subtopic of data/topics/topics.jsonl",
        "  pools: gone.e1: is pooled and no subtopic of the topics; `dvc repro pool` makes the pools anew",
        "  annotate.assessors: 'anybody' stands for everybody; name the person otherwise",
    ]


def test_lots_are_uniform_and_the_same_everywhere() -> None:
    drawn = [draw(1, "a", str(n)) for n in range(2000)]
    assert draw(1, "a") == 0.12525298156186726
    assert 0.47 < sum(drawn) / 2000 < 0.53
    assert all(0 <= value < 1 for value in drawn)


def log_of(folder: Path, rows: pd.DataFrame) -> tuple[LogEntry, ...]:
    said = [
        Said(
            subtopic_id=row.subtopic_id, image_id=row.image_id, assessor=row.assessor, grade=0, choice="0",
            guideline=row.guideline,
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    return append(folder / "log.jsonl", said).entries
