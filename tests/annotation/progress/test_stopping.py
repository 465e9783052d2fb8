"""Stopping rules: what is due, when a subtopic ends, and how many relevant images are estimated to be missed."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fieldguide.annotation.judgments.log import Judgment, LogEntry, append
from fieldguide.annotation.planning.plan import make_plan
from fieldguide.annotation.planning.section import Stopping
from fieldguide.annotation.progress.stopping import PlanAndLog, StoppingVerdict, due, verdicts
from fieldguide.annotation.progress.unseen_relevant import UnseenRelevant, estimate_unseen
from fieldguide.core.errors import FieldguideError
from fieldguide.records.plan import PlanRow, plan_rows
from tests.annotation.planning.test_plan import GUIDELINE, annotate_of, gold_of, pools_of, subtopics_of

SUBTOPIC = "t0.e1"
ONE = {"assessors": ["ada"], "overlap": 1, "page": 4}


def judged(folder: Path, rows: Iterable[PlanRow], grade: Callable[[PlanRow], int | None]) -> tuple[LogEntry, ...]:
    said = [
        Judgment(
            subtopic_id=row.subtopic_id, image_id=row.image_id, assessor=row.assessor, grade=grade(row),
            choice=f"c{grade(row)}", guideline=row.guideline, pass_=row.pass_,
        )
        for row in rows
    ]  # fmt: skip
    return append(folder / "log.jsonl", said).entries


def by_rank(*relevant: int) -> Callable[[PlanRow], int]:
    return lambda row: int(row.rank in relevant)


def one_subtopic(size: int = 24, **keys: object) -> pd.DataFrame:
    return make_plan(pools_of({SUBTOPIC: size}), subtopics_of(2), annotate_of(**ONE | keys), GUIDELINE)


def verdict_of(plan: pd.DataFrame, entries: tuple[LogEntry, ...], **rule: object) -> StoppingVerdict:
    stopping = Stopping.model_validate(rule) if rule else None
    (verdict,) = verdicts(PlanAndLog(plan, entries, stopping, pools_of({SUBTOPIC: 24})))
    return verdict


def up_to(plan: pd.DataFrame, rank: int) -> list[PlanRow]:
    return [row for row in plan_rows(plan) if row.rank <= rank and row.pass_ == 1]


def test_without_a_rule_everything_is_due() -> None:
    plan = one_subtopic(repeat_share=0.2)
    assert due(PlanAndLog(plan, (), None)) == set(plan["page_key"])


def test_pages_are_due_wave_by_wave_in_pool_order(tmp_path: Path) -> None:
    plan = one_subtopic()
    rule = Stopping(rule="consecutive", count=100, wave=2)
    pages = plan.drop_duplicates("page_key").sort_values("queue")["page_key"].tolist()
    assert due(PlanAndLog(plan, (), rule)) == set(pages[:2])
    most = [row for row in up_to(plan, 8) if row.rank != 3]
    assert due(PlanAndLog(plan, judged(tmp_path, most, by_rank()), rule)) == set(pages[:2])
    entries = judged(tmp_path, [row for row in up_to(plan, 8) if row.rank == 3], by_rank())
    assert due(PlanAndLog(plan, entries, rule)) == set(pages[:4])


def test_a_stopped_subtopic_asks_no_more_and_others_go_on(tmp_path: Path) -> None:
    plan = make_plan(pools_of({SUBTOPIC: 24, "t1.e1": 24}), subtopics_of(2), annotate_of(**ONE), GUIDELINE)
    rule = Stopping(rule="consecutive", count=5, wave=2)
    entries = judged(tmp_path, up_to(plan, 8), lambda r: int(r.subtopic_id == "t1.e1"))
    added = due(PlanAndLog(plan, entries, rule)) - due(PlanAndLog(plan, (), rule))
    assert set(plan.loc[plan["page_key"].isin(added), "subtopic_id"]) == {"t1.e1"}
    assert len(added) == 2


def test_nobody_gets_more_than_a_wave_ahead_of_the_others(tmp_path: Path) -> None:
    plan = one_subtopic(size=60, assessors=["ada", "ben"], overlap=2)
    rule = Stopping(rule="consecutive", count=100, wave=1)
    entries: tuple[LogEntry, ...] = ()
    for expected in (2, 2, 2):
        mine = set(plan.loc[plan["assessor"] == "ada", "page_key"]) & due(PlanAndLog(plan, entries, rule))
        done = {entry.key for entry in entries}
        rows = [row for row in plan_rows(plan) if row.page_key in mine and row.task_key not in done]
        entries = judged(tmp_path, rows, by_rank()) if rows else entries
        assert (
            len(set(plan.loc[plan["assessor"] == "ada", "page_key"]) & due(PlanAndLog(plan, entries, rule))) == expected
        )
    assert len(set(plan.loc[plan["assessor"] == "ben", "page_key"]) & due(PlanAndLog(plan, entries, rule))) == 1


def test_a_page_that_was_begun_stays_due_when_the_subtopic_stops(tmp_path: Path) -> None:
    plan = one_subtopic()
    entries = judged(tmp_path, [*up_to(plan, 8), *(r for r in plan_rows(plan) if r.rank == 20)], by_rank())
    keys = due(PlanAndLog(plan, entries, Stopping(rule="consecutive", count=5)))
    ranks = plan.loc[plan["page_key"].isin(keys), "rank"]
    assert sorted(ranks) == [*range(1, 9), 17, 18, 19, 20]


def test_a_repeat_is_due_with_the_page_that_it_repeats() -> None:
    plan = one_subtopic(size=120, repeat_share=0.5)
    rule = Stopping(rule="consecutive", count=100, wave=3)
    keys = due(PlanAndLog(plan, (), rule))
    shown = plan[plan["page_key"].isin(keys)]
    first = set(shown.loc[shown["pass"] == 1, "image_id"])
    again = plan[plan["pass"] == 2].groupby("page_key")["image_id"].agg(lambda ids: set(ids) <= first)
    assert {key for key, inside in again.items() if inside} == set(shown.loc[shown["pass"] == 2, "page_key"])
    assert again.any()
    assert not again.all()


def test_pages_with_gold_keep_their_place_in_the_wave() -> None:
    annotate = annotate_of(
        **ONE | {"gold": "gold.csv", "gold_share": 0.2, "stopping": {"rule": "consecutive", "count": 9}}
    )
    plan = make_plan(pools_of({SUBTOPIC: 24}), subtopics_of(1), annotate, GUIDELINE, gold_of([(SUBTOPIC, "elsewhere")]))
    shown = plan[plan["page_key"].isin(due(PlanAndLog(plan, (), annotate.stopping)))]
    assert len(shown) == 8
    assert "gold" in set(shown["purpose"])
    assert verdicts(PlanAndLog(plan, (), annotate.stopping))[0].pooled == 24


def test_the_adjudicators_pages_are_always_due() -> None:
    plan = one_subtopic()
    row = plan.iloc[[-1]].assign(assessor="dora", purpose="adjudicate", page_key="p")
    grown = pd.concat([plan, row], ignore_index=True)
    assert "p" in due(PlanAndLog(grown, (), Stopping(rule="consecutive", count=5), assessors=["ada"]))


def test_who_left_and_old_guidelines_are_not_asked() -> None:
    plan = one_subtopic(assessors=["ada", "ben"])
    ben = set(plan.loc[plan["assessor"] == "ben", "page_key"])
    assert due(PlanAndLog(plan, (), None, assessors=["ben"])) == ben
    assert due(PlanAndLog(plan, (), None, guidelines=["other"])) == set()


def test_nothing_waits_for_an_image_that_cannot_be_shown(tmp_path: Path) -> None:
    plan = one_subtopic()
    rule = Stopping(rule="consecutive", count=7)
    entries = judged(tmp_path, [row for row in up_to(plan, 8) if row.rank != 5], by_rank())
    assert len(due(PlanAndLog(plan, entries, rule))) == 2
    lost = {(SUBTOPIC, "i004")}
    (verdict,) = verdicts(PlanAndLog(plan, entries, rule, impossible=lost))
    assert (verdict.pooled, verdict.judged, verdict.stopped) == (23, 7, True)
    assert len(due(PlanAndLog(plan, entries, Stopping(rule="consecutive", count=9), impossible=lost))) == 4


def test_a_shared_page_is_answered_when_as_many_as_wanted_answered(tmp_path: Path) -> None:
    plan = one_subtopic(projects="shared")
    rule = Stopping(rule="consecutive", count=100)
    rows = up_to(plan, 8)
    entries = judged(tmp_path, [row._replace(assessor="ada") for row in rows], by_rank())
    assert len(due(PlanAndLog(plan, entries, rule, overlap=1))) == 4
    assert len(due(PlanAndLog(plan, entries, rule, overlap=2))) == 2
    entries = judged(tmp_path, [row._replace(assessor="ben") for row in rows], by_rank())
    assert len(due(PlanAndLog(plan, entries, rule, overlap=2))) == 4


@pytest.mark.parametrize(
    ("judged_to", "relevant", "run", "stopped"),
    [(8, (1, 2), 6, False), (9, (1, 2), 7, True), (20, (1, 2, 15), 7, True), (9, (1, 8), 1, False), (0, (), 0, False)],
)
def test_consecutive_counts_in_pool_order_and_ends_for_good(
    tmp_path: Path, judged_to: int, relevant: tuple[int, ...], run: int, stopped: bool
) -> None:
    plan = one_subtopic()
    entries = judged(tmp_path, up_to(plan, judged_to), by_rank(*relevant))
    verdict = verdict_of(plan, entries, rule="consecutive", count=7)
    assert (verdict.run, verdict.stopped, verdict.judged) == (run, stopped, judged_to)
    assert verdict.why == f"{run} non-relevant images in a row in pool order; 7 end it"


def test_a_gap_ends_the_run_and_an_image_nobody_can_grade_is_passed_over(tmp_path: Path) -> None:
    plan = one_subtopic()
    gap = judged(tmp_path, [row for row in up_to(plan, 12) if row.rank != 5], by_rank())
    assert verdict_of(plan, gap, rule="consecutive", count=7).run == 4
    filled = judged(tmp_path, [row for row in up_to(plan, 5) if row.rank == 5], lambda _: None)
    verdict = verdict_of(plan, filled, rule="consecutive", count=12)
    assert (verdict.run, verdict.judged, verdict.stopped) == (11, 12, False)


def test_one_assessors_doubt_keeps_the_judging_going(tmp_path: Path) -> None:
    plan = one_subtopic(assessors=["ada", "ben"], overlap=2)
    entries = judged(tmp_path, up_to(plan, 10), lambda row: int(row.rank == 8 and row.assessor == "ben"))
    verdict = verdict_of(plan, entries, rule="consecutive", count=9)
    assert (verdict.run, verdict.relevant, verdict.stopped) == (2, 1, False)


def test_what_only_one_of_two_judged_is_not_judged(tmp_path: Path) -> None:
    plan = one_subtopic(assessors=["ada", "ben"], overlap=2)
    entries = judged(tmp_path, [row for row in up_to(plan, 10) if row.assessor == "ada"], by_rank())
    assert verdict_of(plan, entries, rule="consecutive", count=5).judged == 0


def test_a_pool_judged_to_its_end_is_stopped_whatever_the_rule(tmp_path: Path) -> None:
    plan = one_subtopic()
    entries = judged(tmp_path, up_to(plan, 24), by_rank(24))
    for rule in ({"rule": "consecutive", "count": 99}, {"rule": "missed", "bound": 0}, {}):
        verdict = verdict_of(plan, entries, **rule)
        assert verdict.stopped
        assert verdict.why == "every image of the pool is judged"
    assert verdict_of(plan, entries[:5]).why == "19 images left; no stopping rule"


def test_missed_needs_pools_and_enough_found(tmp_path: Path) -> None:
    plan = one_subtopic()
    rule = Stopping(rule="missed", bound=1.0)
    with pytest.raises(FieldguideError, match=r"the rule `missed` needs data/pools; `dvc repro pool` makes them"):
        due(PlanAndLog(plan, (), rule))
    entries = judged(tmp_path, up_to(plan, 9), by_rank(*range(1, 10)))
    verdict = verdict_of(plan, entries, rule="missed", bound=1.0)
    assert verdict.why == "9 relevant images found; 10 are needed to estimate how many are missed"
    entries = judged(tmp_path, [r for r in up_to(plan, 12) if r.rank > 9], by_rank(*range(1, 13)))
    verdict = verdict_of(plan, entries, rule="missed", bound=1.0)
    assert not verdict.stopped
    assert verdict.why == "about 66.0 relevant images missed, at most 165.1 (95%); 1 end it"


def test_missed_stops_where_systems_found_the_same(tmp_path: Path) -> None:
    pools = pools_of({SUBTOPIC: 24})
    pools["ranks"] = [[r[0], r[0]] if r else [] for r in pools["ranks"]]
    plan = make_plan(pools, subtopics_of(1), annotate_of(**ONE), GUIDELINE)
    entries = judged(tmp_path, up_to(plan, 12), by_rank(*range(1, 13)))
    (verdict,) = verdicts(PlanAndLog(plan, entries, Stopping(rule="missed", bound=1.0), pools))
    assert verdict.stopped
    assert verdict.missed == UnseenRelevant(0.0, 0.0)


def test_the_estimate_by_hand() -> None:
    """f1 = 3, f2 = 1: 3 * 2 / (2 * 2) = 1.5; variance 1 * (9 / 2 + 27 + 81 / 4) = 51.75."""
    found = [[1], [2], [3], [1, 2], [1, 2, 3]]
    missed = estimate_unseen(found, [])
    assert missed.estimate == 1.5
    assert missed.at_most == pytest.approx(1.5 * np.exp(1.6448536 * np.sqrt(np.log(1 + 51.75 / 2.25))))
    assert estimate_unseen([], []) == UnseenRelevant(0.0, 0.0)


def test_only_ranks_above_the_first_image_not_judged_count_as_captures() -> None:
    """Not judged: rank 3. What was found below is seen, so no longer missed: 3 * 2 / 2 - 1 = 2."""
    assert estimate_unseen([[1, 9], [2], [2, 5], [7]], [[3], [8]]).estimate == 2.0


def simulated(rng: np.random.Generator, relevant: int, systems: int, common: float) -> tuple[float, float, int]:
    """Systems find `common` of the images all or none, the others each by its own luck; returns also what is missed."""
    ease = rng.beta(1, 3, relevant)
    shared, alike = rng.random(relevant), rng.random(relevant) < common
    hits = [np.where(alike, shared, rng.random(relevant)) < ease for _ in range(systems)]
    counts = np.sum(hits, axis=0)
    missed = estimate_unseen([[1] * n for n in counts if n], [])
    return missed.estimate, missed.at_most, int((counts == 0).sum())


def test_in_simulation_it_errs_low_the_more_systems_resemble_each_other_and_the_limit_holds_where_they_do_not() -> None:
    rng = np.random.default_rng(0)
    apart = np.array([simulated(rng, 60, 6, 0.0) for _ in range(300)]).mean(axis=0)
    alike = np.array([simulated(rng, 60, 6, 0.7) for _ in range(300)]).mean(axis=0)
    assert 0.4 * apart[2] < apart[0] < apart[2] < apart[1]
    assert alike[0] / alike[2] < 0.6 * apart[0] / apart[2]


def test_verdicts_need_no_pools_without_the_rule_and_come_in_order() -> None:
    pools = pools_of({"t1.e1": 3, "t0.e2": 3})
    plan = make_plan(pools, subtopics_of(2), annotate_of(), GUIDELINE)
    assert [v.subtopic_id for v in verdicts(PlanAndLog(plan, (), None))] == ["t0.e2", "t1.e1"]
    assert verdicts(PlanAndLog(plan, (), None))[0].missed is None
