"""How much of what is asked is judged, counted by hand."""

from __future__ import annotations

from typing import Any

from fieldguide.annotation.judgments.log import Judgment, LogEntry, task_key
from fieldguide.annotation.progress.coverage import JudgingCoverage, PersonCoverage, coverage
from fieldguide.records.plan import PlanRow, Purpose
from tests.builders import tiny_params

IMAGES = ("a", "b", "c", "d")


def row(assessor: str, image: str, subtopic: str = "t.e1", page: str = "p", **changes: Any) -> PlanRow:
    guideline, pass_ = changes.pop("guideline", "g1"), changes.pop("pass_", 1)
    purpose: Purpose = changes.pop("purpose", "judge")
    key = task_key(subtopic, image, guideline, pass_)
    return PlanRow(assessor, key, subtopic, image, guideline, pass_, purpose, False, 1, page, 1, 1, **changes)


def said(*given: tuple[str, str], subtopic: str = "t.e1", action: str = "judged") -> list[LogEntry]:
    judgments = [
        Judgment(subtopic_id=subtopic, image_id=i, assessor=a, grade=0, choice="not", guideline="g1") for a, i in given
    ]
    return [
        LogEntry.model_validate(
            j.model_dump(by_alias=True) | {"seq": n, "task_key": j.task_key, "prev": None, "hash": "0" * 64}
        )
        for n, j in enumerate(judgments, 1)
    ]


def counted(
    rows: list[PlanRow], entries: list[LogEntry], annotate: dict[str, Any] | None = None, **more: Any
) -> JudgingCoverage:
    section = {"assessors": ["ada", "ben"], "adjudicator": "dora", "stopping": None, "preannotation": None}
    params = tiny_params(annotate=section | (annotate or {}))
    return coverage(rows, entries, params.annotate, {"g1"}, **more)


def test_each_assessor_counts_for_what_was_asked_of_them() -> None:
    rows = [row("ada", i) for i in IMAGES] + [row("ben", i) for i in IMAGES[:2]]
    found = counted(rows, said(("ada", "a"), ("ben", "a"), ("ben", "d")))
    assert found.assessors == (PersonCoverage("ada", 4, 1), PersonCoverage("ben", 2, 1))
    assert (found.asked, found.judged, found.left) == (6, 2, 4)
    assert not found.enough(0.5)
    assert found.enough(2 / 6)


def test_in_a_shared_project_each_image_needs_as_many_different_people_as_params_say() -> None:
    shared = {"projects": "shared", "repeat_share": 0}
    rows = [row("anybody", i) for i in IMAGES]
    found = counted(rows, said(("ada", "a"), ("ben", "a"), ("ada", "b")), shared)
    assert found.assessors == (PersonCoverage("anybody", 8, 3),)


def test_an_adjudicators_ruling_is_nobodys_vote_in_a_shared_project() -> None:
    rows = [row("anybody", "a"), row("dora", "a", purpose="adjudicate")]
    (vote, ruling) = said(("ada", "a"), ("dora", "a"))
    entries = [vote, ruling.model_copy(update={"role": "adjudicator"})]
    found = counted(rows, entries, {"projects": "shared", "repeat_share": 0})
    assert found.assessors == (PersonCoverage("anybody", 2, 1),)
    assert found.adjudicator == PersonCoverage("dora", 1, 1)


def test_nobody_waits_for_those_who_left_for_older_guidelines_and_for_images_that_cannot_be_shown() -> None:
    rows = [row("ada", "a"), row("zoe", "b"), row("ada", "c", guideline="g0"), row("ada", "d")]
    found = counted(rows, said(("ada", "a")), impossible={("t.e1", "d")})
    assert found.assessors == (PersonCoverage("ada", 1, 1),)
    assert found.enough(1.0)


def test_what_people_gave_who_left_is_told_beside_the_others() -> None:
    rows = [row("ada", "a"), row("zoe", "a"), row("zoe", "b"), row("yan", "c", purpose="adjudicate")]
    found = counted(rows, said(("zoe", "a")))
    assert found.gone == (PersonCoverage("yan", 1, 0), PersonCoverage("zoe", 2, 1))
    assert (found.asked, found.judged, found.left) == (1, 0, 1)
    assert list(found.lines())[1:] == [
        "yan left: 0 of 1 judgments are in and count beside these",
        "zoe left: 1 of 2 judgments are in and count beside these",
    ]


def test_of_a_stopped_subtopic_only_what_was_shown_counts_and_of_others_all() -> None:
    rows = [row("ada", "a", page="p1"), row("ada", "b", page="p2")]
    rows += [row("ada", i, "t.e2", page) for i, page in (("a", "p3"), ("b", "p4"))]
    entries = said(("ada", "a"))
    found = counted(rows, entries, due={"p1", "p3"}, stopped={"t.e1"})
    assert found.assessors == (PersonCoverage("ada", 3, 1, later=1),)
    assert found.unsure == 1
    done = counted(rows, entries, due={"p1", "p3"}, stopped={"t.e1", "t.e2"})
    assert (done.assessors, done.unsure) == ((PersonCoverage("ada", 2, 1),), 0)


def test_the_adjudicator_is_waited_for_apart() -> None:
    rows = [row("ada", "a"), row("dora", "a", purpose="adjudicate", page="q")]
    found = counted(rows, said(("ada", "a")), due={"p"})
    assert found.adjudicator == PersonCoverage("dora", 1, 0)
    assert not found.enough(0.5)
    assert counted(rows, said(("ada", "a"), ("dora", "a"))).enough(1.0)


def test_nothing_asked_is_enough() -> None:
    assert counted([], []).enough(1.0)
