"""Figures of status: counted by hand; flags catch who does not look and leave in peace who does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from fieldguide.annotation.agreement.figures import AnnotationFigures, Person, Work, figures_of
from fieldguide.annotation.agreement.flags import Flag, flags
from fieldguide.annotation.judgments.log import Judgment, LogEntry, append
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.draws import draw
from fieldguide.annotation.planning.plan import make_plan
from fieldguide.annotation.planning.section import Annotate, Stopping
from fieldguide.annotation.progress.stopping import PlanAndLog, due
from fieldguide.records.plan import PlanRow, plan_rows
from tests.annotation.planning.test_plan import GUIDELINE, annotate_of, gold_of, pools_of, subtopics_of

Answer = Callable[[PlanRow, int], int | None]
START = datetime(2025, 5, 20, 9, tzinfo=UTC)


def truth(row: PlanRow) -> int:
    """Every third image of a pool is relevant."""
    return 2 if int(row.image_id[1:]) % 3 == 0 else 0


def careful(wrong: float) -> Answer:
    """Wrong on a share of the images, the same ones whenever asked."""
    return lambda row, _: truth(row) if draw(0, str(wrong), row.task_key) >= wrong else 2 - truth(row)


def judged(
    folder: Path, plan: pd.DataFrame, answers: dict[str, Answer], seconds: dict[str, float] | None = None
) -> tuple[LogEntry, ...]:
    """Everybody named judges all of their rows, in their order."""
    said = []
    for name, answer in answers.items():
        mine = [row for row in plan_rows(plan) if row.assessor == name]
        for n, row in enumerate(mine):
            grade = answer(row, n)
            said.append(
                Judgment(
                    subtopic_id=row.subtopic_id, image_id=row.image_id, assessor=name, grade=grade,
                    choice="cannot-tell" if grade is None else f"g{grade}", guideline=row.guideline, pass_=row.pass_,
                    seconds=(seconds or {}).get(name, 2.0), judged_at=(START + timedelta(seconds=n)).isoformat(),
                    role="adjudicator" if row.purpose == "adjudicate" else "assessor",
                )
            )  # fmt: skip
    return append(folder / "log.jsonl", said).entries


@pytest.fixture(scope="module")
def annotate() -> Annotate:
    return annotate_of(gold="gold.csv", gold_share=0.2, repeat_share=0.05, adjudicator="dora")


@pytest.fixture(scope="module")
def gold() -> dict[Pair, int]:
    pairs = [(s, f"i{n:03}") for n, s in enumerate(subtopics_of(9)) for n in (n, n + 7)]
    return {pair: 2 if int(pair[1][1:]) % 3 == 0 else 0 for pair in pairs}


@pytest.fixture(scope="module")
def plan(annotate: Annotate, gold: dict[Pair, int]) -> pd.DataFrame:
    pools = pools_of(dict.fromkeys(subtopics_of(9), 40))
    return make_plan(pools, subtopics_of(9), annotate, GUIDELINE, gold)


def person(made: AnnotationFigures, name: str) -> Person:
    (found,) = [one for one in made.people if one.name == name]
    return found


def flagged(made: AnnotationFigures) -> dict[str, set[str]]:
    return {one.name: {flag.kind for flag in one.flags} for one in made.people if one.flags}


HONEST = {"ada": careful(0.03), "ben": careful(0.06), "cleo": careful(0.1)}


def test_everybody_who_judges_with_care_is_left_in_peace(
    tmp_path: Path, plan: pd.DataFrame, gold: dict[Pair, int], annotate: Annotate
) -> None:
    made = figures_of(plan, judged(tmp_path, plan, HONEST), gold, annotate)
    assert flagged(made) == {}
    assert [one.name for one in made.people] == ["ada", "ben", "cleo"]
    assert made.work == Work(len(plan), len(plan), len(plan))
    ada = person(made, "ada")
    assert (ada.gold.of, ada.seconds, ada.not_pulled) == (36, 2.0, None)
    assert 0.85 < float(ada.gold.share or 0) <= 1
    assert (ada.gold.low or 1) < (ada.gold.share or 0)
    assert ada.repeats.of == (plan["purpose"] == "repeat").sum() // 3
    overall = made.agreement.ordinal
    assert overall.low is not None
    assert overall.value is not None
    assert 0.5 < overall.low < overall.value < 0.9


def test_a_random_clicker_fails_gold(
    tmp_path: Path, plan: pd.DataFrame, gold: dict[Pair, int], annotate: Annotate
) -> None:
    made = figures_of(
        plan, judged(tmp_path, plan, HONEST | {"ben": lambda row, _: int(3 * draw(0, row.task_key))}), gold, annotate
    )
    assert flagged(made) == {"ben": {"gold failed"}}
    (flag,) = person(made, "ben").flags
    right = person(made, "ben").gold.count
    words = f"gold: {right} of 36 right; without looking 67 % are, and so many are no surprise (binomial test, p = "
    assert flag.evidence.startswith(words)
    assert "; with care 90 % are, and so few are one (p = " in flag.evidence


def test_always_the_same_answer_is_told_with_what_others_said(
    tmp_path: Path, plan: pd.DataFrame, gold: dict[Pair, int], annotate: Annotate
) -> None:
    made = figures_of(plan, judged(tmp_path, plan, HONEST | {"ben": lambda *_: 0}), gold, annotate)
    assert flagged(made) == {"ben": {"constant answers", "gold failed"}}
    evidence = person(made, "ben").flags[0].evidence
    assert evidence.startswith(
        "50 of the last 50 answers are 'g0'; 50 of the 50 on images that others judged too, where "
    )


def test_whom_the_adjudicator_proves_right_is_not_flagged_for_others_errors() -> None:
    said = {("t.e1", f"i{n:02d}"): {"ada": vote("ada", n, 0), "ben": vote("ben", n, n % 5 == 0)} for n in range(60)}
    gold, grades = dict[tuple[str, str], int](), (0, 1)
    assert [flag.kind for flag in flags("ada", said, {}, gold, grades)] == ["constant answers"]
    ruled = dict.fromkeys(list(said)[::5], 0)
    assert flags("ada", said, {}, gold, grades, ruled) == ()
    ruled = dict.fromkeys(list(said)[::5], 1)
    assert [flag.kind for flag in flags("ada", said, {}, gold, grades, ruled)] == ["constant answers"]


def vote(assessor: str, number: int, grade: int) -> LogEntry:
    judgment = Judgment(
        subtopic_id="t.e1", image_id=f"i{number:02d}", assessor=assessor, grade=int(grade),
        choice="relevant" if grade else "not", guideline="g1",
    )  # fmt: skip
    given = {"seq": number + 1, "task_key": judgment.task_key, "prev": None, "hash": "0" * 64}
    return LogEntry.model_validate(judgment.model_dump(by_alias=True) | given)


def test_the_same_answer_is_no_flag_where_others_give_it_too(tmp_path: Path, annotate: Annotate) -> None:
    plan = make_plan(pools_of({"t0.e1": 120}), subtopics_of(1), annotate_of(), GUIDELINE)
    made = figures_of(plan, judged(tmp_path, plan, {name: lambda *_: 0 for name in HONEST}), {}, annotate)
    assert flagged(made) == {}
    assert made.agreement.ordinal.value is None
    assert made.agreement.ordinal.reason


def test_who_changes_half_way_is_told_and_who_shares_images_with_them_is_not(
    tmp_path: Path, plan: pd.DataFrame, gold: dict[Pair, int], annotate: Annotate
) -> None:
    half = (plan["assessor"] == "ben").sum() / 2
    answers = HONEST | {"ben": lambda row, n: truth(row) if n < half else 2}
    made = figures_of(plan, judged(tmp_path, plan, answers), gold, annotate)
    assert "drift" in flagged(made)["ben"]
    assert set(flagged(made)) == {"ben"}
    drift = next(flag for flag in person(made, "ben").flags if flag.kind == "drift")
    assert drift.evidence.startswith("relevant or not, on the same images: as ada in 9")
    assert "; as cleo in " in drift.evidence


def test_of_two_it_is_not_said_which_one_changed(tmp_path: Path) -> None:
    two = annotate_of(assessors=["ada", "ben"])
    plan = make_plan(pools_of({"t0.e1": 120}), subtopics_of(1), two, GUIDELINE)
    answers: dict[str, Answer] = {"ada": lambda row, _: truth(row), "ben": lambda row, n: truth(row) if n < 60 else 2}
    made = figures_of(plan, judged(tmp_path, plan, answers), {}, two)
    assert [flag.kind for flag in person(made, "ada").flags] == ["drift"]
    assert person(made, "ada").flags[0].evidence.endswith("; it may be the other who changed")


def test_erring_to_the_other_side_is_drift_though_agreement_stays(tmp_path: Path) -> None:
    two = annotate_of(assessors=["ada", "ben"])
    plan = make_plan(pools_of({"t0.e1": 240}), subtopics_of(1), two, GUIDELINE)
    said = [0, 2, 0, 2]

    def ben(row: PlanRow, n: int) -> int:
        return (2 if n < 120 else 0) if n % 3 == 0 else said[int(row.image_id[1:]) % 4]

    answers: dict[str, Answer] = {"ada": lambda row, _: said[int(row.image_id[1:]) % 4], "ben": ben}
    made = figures_of(plan, judged(tmp_path, plan, answers), {}, two)
    (flag,) = person(made, "ben").flags
    assert " times and below 0 in the first half, 0 and " in flag.evidence


def test_gold_that_was_right_and_is_wrong_now_is_drift(tmp_path: Path) -> None:
    alone = annotate_of(assessors=["ada"], overlap=1, gold="gold.csv", gold_share=0.5)
    gold = gold_of([("t0.e1", f"i{n:03}") for n in range(24)])
    plan = make_plan(pools_of({"t0.e1": 60}), subtopics_of(1), alone, GUIDELINE, gold)
    seen = {key: n for n, key in enumerate(plan.loc[plan["purpose"] == "gold", "task_key"])}
    made = figures_of(
        plan, judged(tmp_path, plan, {"ada": lambda row, _: 2 * (seen.get(row.task_key, 0) >= 12)}), gold, alone
    )
    assert Flag("drift", "gold: right in 100 % of the first 12, 0 % of the last 12 (Fisher's test, p = 7.4e-07)") in (
        person(made, "ada").flags
    )


def test_too_fast_is_measured_on_the_clock_and_on_others(
    tmp_path: Path, plan: pd.DataFrame, gold: dict[Pair, int], annotate: Annotate
) -> None:
    made = figures_of(plan, judged(tmp_path, plan, HONEST, {"ben": 0.3, "ada": 3, "cleo": 0.9}), gold, annotate)
    count = (plan["assessor"] == "ben").sum()
    assert {name: one.evidence for name in HONEST for one in person(made, name).flags} == {
        "ben": f"median 0.30 s an image over {count} judgments; under 0.4 s nobody has looked"
    }
    again = figures_of(
        plan, judged(tmp_path / "again", plan, HONEST, {"ben": 0.9, "ada": 3, "cleo": 4}), gold, annotate
    )
    assert [one.evidence for one in person(again, "ben").flags] == [
        f"median 0.90 s an image over {count} judgments; less than a third of the others' 3.50 s"
    ]


def test_a_few_gold_answers_accuse_nobody(tmp_path: Path, annotate: Annotate) -> None:
    plan = make_plan(pools_of({"t0.e1": 40}), subtopics_of(1), annotate, GUIDELINE, gold_of([("t0.e1", "i001")]))
    made = figures_of(plan, judged(tmp_path, plan, {"ada": lambda *_: 2}), gold_of([("t0.e1", "i001")]), annotate)
    assert (person(made, "ada").gold.count, person(made, "ada").gold.of) == (0, 1)
    assert flagged(made) == {}


def test_work_is_counted_as_asked_and_done(tmp_path: Path, plan: pd.DataFrame, annotate: Annotate) -> None:
    keys = due(PlanAndLog(plan, (), Stopping(rule="consecutive", count=9, wave=1)))
    first = plan[plan["page_key"].isin(sorted(keys)[:3])]
    entries = judged(tmp_path, first, HONEST)
    made = figures_of(plan, entries, {}, annotate, due=keys, not_pulled={"ada": 4}, draws=2)
    asked = plan["page_key"].isin(keys).sum()
    assert made.work == Work(len(plan), asked, len(first))
    assert made.work.left == asked - len(first)
    assert sum(topic.work.done for topic in made.topics) == len(first)
    assert sum(cell.planned for topic in made.topics for cell in topic.cells.values()) == len(plan)
    assert person(made, "ada").not_pulled == 4
    assert person(made, "ben").not_pulled == 0
    assert [topic.topic_id for topic in made.topics] == [f"t{n}" for n in range(9)]


def test_repeats_that_differ_and_cannot_tell_count_against(tmp_path: Path, annotate: Annotate) -> None:
    plan = make_plan(pools_of({"t0.e1": 80}), subtopics_of(1), annotate_of(repeat_share=0.1), GUIDELINE)
    answers = {"ada": lambda row, _: None if row.pass_ == 2 and row.position == 1 else 0}
    made = figures_of(plan, judged(tmp_path, plan, answers), {}, annotate)
    repeats = plan[(plan["assessor"] == "ada") & (plan["pass"] == 2)]
    odd = (repeats["position"] == 1).sum()
    assert (person(made, "ada").repeats.count, person(made, "ada").repeats.of) == (len(repeats) - odd, len(repeats))


def test_the_adjudicator_is_last_and_no_part_of_the_agreement(tmp_path: Path, annotate: Annotate) -> None:
    plan = make_plan(pools_of({"t0.e1": 8}), subtopics_of(1), annotate, GUIDELINE)
    rows = plan.head(3).assign(assessor="dora", purpose="adjudicate", page_key="p", queue=1)
    grown = pd.concat([plan, rows], ignore_index=True)
    answers: dict[str, Answer] = {name: lambda row, _: truth(row) for name in HONEST}
    made = figures_of(grown, judged(tmp_path, grown, answers | {"dora": lambda *_: 2}), {}, annotate)
    assert made.people[-1].name == "dora"
    assert made.people[-1].work == Work(3, 3, 3)
    assert made.people[-1].flags == ()
    assert made.agreement.ordinal.value == 1.0
    assert made.work.planned == len(plan)


def test_in_a_shared_project_nobody_is_asked_by_name(tmp_path: Path) -> None:
    shared = annotate_of(projects="shared")
    plan = make_plan(pools_of({"t0.e1": 10}), subtopics_of(1), shared, GUIDELINE)
    named = pd.concat([plan.assign(assessor=name) for name in ("ada", "ben", "zoe")])
    made = figures_of(plan, judged(tmp_path, named, {name: lambda *_: 0 for name in ("ada", "zoe")}), {}, shared)
    assert made.work == Work(20, 20, 20)
    assert [(one.name, one.work is None, one.judged) for one in made.people] == [
        ("ada", True, 10), ("anybody", False, 0), ("zoe", True, 10),
    ]  # fmt: skip


def test_judgments_by_other_guidelines_are_left_out(tmp_path: Path, plan: pd.DataFrame, annotate: Annotate) -> None:
    entries = judged(tmp_path, plan.assign(guideline="old-1"), HONEST)
    made = figures_of(plan, entries, {}, annotate)
    assert made.work.done == 0
    assert all(one.judged == 0 for one in made.people)
