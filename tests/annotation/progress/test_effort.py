"""Hours: by hand, and what they rest on in words."""

from pathlib import Path

import pytest

from fieldguide.annotation.judgments.log import Judgment, LogEntry, append
from fieldguide.annotation.planning.plan import make_plan
from fieldguide.annotation.progress.effort import estimate
from fieldguide.records.plan import PlanRow, plan_rows
from tests.annotation.planning.test_plan import GUIDELINE, annotate_of, plan_of, pools_of, subtopics_of


def judged(folder: Path, rows: list[PlanRow], seconds: float | None) -> tuple[LogEntry, ...]:
    said = [
        Judgment(
            subtopic_id=row.subtopic_id, image_id=row.image_id, assessor=row.assessor, grade=0, choice="c0",
            guideline=row.guideline, seconds=seconds,
        )
        for row in rows
    ]  # fmt: skip
    return append(folder / "log.jsonl", said).entries


def test_without_judgments_the_hours_are_assumed_and_say_so() -> None:
    plan = plan_of({"t0.e1": 30, "t1.e1": 30}, annotate_of(assessors=["ada"], overlap=1))
    made = estimate(plan, ())
    (ada,) = made.efforts
    assert (ada.images, ada.left, ada.pages, ada.questions) == (60, 60, 8, 2)
    assert ada.hours == ada.hours_left == pytest.approx((60 * 3 + 2 * 10) / 3600)
    assert made.how == (
        "Assumed, not measured: 3 s an image (a page of images at a time) and 10 s for each new question. "
        "Once 50 judgments are in, their median counts. All of the pools is counted; a stopping rule ends earlier."
    )


def test_one_by_one_is_assumed_to_take_longer() -> None:
    made = estimate(plan_of({"t0.e1": 30}, annotate_of(assessors=["ada"], overlap=1, page=1)), ())
    assert made.hours == pytest.approx((30 * 5 + 10) / 3600)
    assert "5 s an image (one image at a time)" in made.how


def test_fifty_judgments_replace_the_assumption(tmp_path: Path) -> None:
    plan = plan_of({"t0.e1": 60, "t1.e1": 40}, annotate_of(assessors=["ada"], overlap=1))
    rows = plan_rows(plan)
    assert estimate(plan, judged(tmp_path, rows[:49], 2.0)).how.startswith("Assumed")
    made = estimate(plan, judged(tmp_path, rows[49:54], 8.0))
    assert made.how.startswith("Measured: the median of 54 judgments so far is 2.0 s an image")
    assert made.efforts[0].left == 46
    assert made.hours == pytest.approx(100 * 2 / 3600)
    assert made.hours_left == pytest.approx(46 * 2 / 3600)


def test_judgments_without_a_time_are_no_measurement(tmp_path: Path) -> None:
    plan = plan_of({"t0.e1": 60}, annotate_of(assessors=["ada"], overlap=1))
    made = estimate(plan, judged(tmp_path, plan_rows(plan), None))
    assert made.how.startswith("Assumed")
    assert (made.hours_left, made.efforts[0].left) == (0.0, 0)


def test_a_shared_page_takes_the_time_of_as_many_people_as_are_wanted(tmp_path: Path) -> None:
    plan = make_plan(pools_of({"t0.e1": 10}), subtopics_of(1), annotate_of(projects="shared"), GUIDELINE)
    (anybody,) = estimate(plan, (), overlap=2).efforts
    assert (anybody.assessor, anybody.images) == ("anybody", 20)
    assert anybody.hours == pytest.approx((20 * 3 + 2 * 10) / 3600)
    entries = judged(tmp_path, [row._replace(assessor="ada") for row in plan_rows(plan)], None)
    assert estimate(plan, entries, overlap=2).efforts[0].left == 10


def test_a_plan_without_rows_takes_no_time() -> None:
    made = estimate(plan_of({}, annotate_of()), ())
    assert made.efforts == ()
    assert made.hours == 0


def test_turning_pages_is_in_what_is_left(tmp_path: Path) -> None:
    """The form saw two seconds of each image; people gave one every five, and that is what the rest will take."""
    plan = plan_of({"t0.e1": 60, "t1.e1": 40}, annotate_of(assessors=["ada"], overlap=1))
    rows = plan_rows(plan)
    said = [
        Judgment(
            subtopic_id=row.subtopic_id, image_id=row.image_id, assessor="ada", grade=0, choice="c0", seconds=2.0,
            guideline=row.guideline, judged_at=f"2026-03-02T09:{5 * n // 60:02}:{5 * n % 60:02}+00:00",
        )
        for n, row in enumerate(rows[:60])
    ]  # fmt: skip
    made = estimate(plan, append(tmp_path / "log.jsonl", said).entries)
    assert "60 judgments so far is 5.0 s an image" in made.how
    assert made.hours_left == pytest.approx(40 * 5 / 3600)
