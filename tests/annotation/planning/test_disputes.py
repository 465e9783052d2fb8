"""Disputes: the adjudicator is asked what needs a ruling, once, and again only when the votes have changed."""

from pathlib import Path

import pandas as pd
import pytest

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment, LogEntry, task_key
from fieldguide.annotation.planning.disputes import disputed
from fieldguide.annotation.planning.plan import page_key
from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.errors import FieldguideError
from fieldguide.records.plan import PLAN

CHOICES = {2: "plain", 1: "partly", 0: "not-visible", None: "cannot-tell"}
ANNOTATE = Annotate(assessors=["ada", "ben", "cleo"], adjudicator="dora", overlap=2, seed=4)


def said(image: str, assessor: str, grade: int | None, **more: object) -> Judgment:
    fields = {"subtopic_id": "t1.e1", "choice": CHOICES[grade], "guideline": "look-1"} | more
    return Judgment(image_id=image, assessor=assessor, grade=grade, **fields)


def ruled(image: str, grade: int | None, pass_: int = 1) -> Judgment:
    return said(image, "dora", grade, role="adjudicator", pass_=pass_)


def changed(entry: LogEntry, grade: int) -> Judgment:
    fields = {"action": "superseded", "supersedes": entry.hash, "subtopic_id": entry.subtopic_id}
    return said(entry.image_id, entry.assessor, grade, **fields)


def plan_of(*asked: tuple[str, str], subtopic: str = "t1.e1") -> pd.DataFrame:
    """(image, assessor) pairs as a plan; an image's rank is its place in the alphabet."""
    rows = []
    for queue, (image, assessor) in enumerate(asked, 1):
        key = task_key(subtopic, image, "look-1", 1)
        rows.append({
            "assessor": assessor, "task_key": key, "subtopic_id": subtopic, "image_id": image, "guideline": "look-1",
            "pass": 1, "purpose": "judge", "sighted": False, "rank": 1 + ord(image) - ord("a"),
            "page_key": page_key(assessor, [key]), "position": 1, "queue": queue,
        })  # fmt: skip
    return PLAN.frame(rows)


def both(*images: str) -> list[tuple[str, str]]:
    return [(image, assessor) for image in images for assessor in ("ada", "ben")]


@pytest.mark.parametrize(
    ("votes", "is_disputed"),
    [
        ([2, 2], False), ([0, 0], False), ([2, 1], True), ([0, None], True), ([None, None], True),
        (["broken-image", "broken-image"], False), (["broken-image", None], True), (["broken-image", 0], True),
    ],
)  # fmt: skip
def test_what_needs_a_ruling(tmp_path: Path, votes: list[int | str | None], is_disputed: bool) -> None:
    judgments = [
        said("a", name, None, choice=vote) if isinstance(vote, str) else said("a", name, vote)
        for name, vote in zip(("ada", "ben"), votes, strict=True)
    ]
    entries = log.append(tmp_path / "log.jsonl", judgments).entries
    assert len(disputed(entries, plan_of(*both("a")), ANNOTATE)) == is_disputed


def test_rows_are_a_plan_of_single_pages_behind_what_is_queued(tmp_path: Path) -> None:
    judgments = [said(i, n, g) for i in "cab" for n, g in (("ada", 0), ("ben", 2))]
    entries = log.append(tmp_path / "log.jsonl", judgments).entries
    plan = plan_of(*both("a", "b", "c"))
    first = disputed(entries, plan, ANNOTATE)
    assert first["image_id"].tolist() == ["a", "b", "c"]  # pool order
    assert first["queue"].tolist() == [1, 2, 3]
    assert set(first["purpose"]) == {"adjudicate"}
    assert set(first["assessor"]) == {"dora"}
    assert first["rank"].tolist() == [1, 2, 3]
    assert first["task_key"].tolist() == [task_key("t1.e1", i, "look-1", 1) for i in "abc"]
    assert first["page_key"].tolist() == [page_key("dora", [key]) for key in first["task_key"]]
    grown = pd.concat([plan, first], ignore_index=True)
    PLAN.write(tmp_path / "plan.parquet", grown)
    assert len(disputed(entries, PLAN.read(tmp_path / "plan.parquet"), ANNOTATE)) == 0  # they wait for dora
    more = log.append(tmp_path / "log.jsonl", [said("d", "ada", 0), said("d", "ben", 1)]).entries
    later = disputed(more, pd.concat([grown, plan_of(*both("d"))], ignore_index=True), ANNOTATE)
    assert later[["image_id", "queue", "pass"]].to_numpy().tolist() == [["d", 4, 1]]


def test_topics_are_shuffled_and_stay_together(tmp_path: Path) -> None:
    topics = [f"t{n}.e{e}" for n in range(6) for e in (1, 2)]
    judgments = [said("a", n, g, subtopic_id=s) for s in topics for n, g in (("ada", 0), ("ben", 1))]
    entries = log.append(tmp_path / "log.jsonl", judgments).entries
    orders = []
    for seed in (1, 2):
        rows = disputed(entries, PLAN.frame([]), ANNOTATE.model_copy(update={"seed": seed}))
        orders.append(rows["subtopic_id"].tolist())
        assert [s[:2] for s in orders[-1][::2]] == [s[:2] for s in orders[-1][1::2]]
        assert sorted(orders[-1]) == topics
    assert orders[0] != orders[1] != topics


def test_a_pair_waits_for_all_who_were_asked_and_are_still_there(tmp_path: Path) -> None:
    entries = log.append(tmp_path / "log.jsonl", [said("a", "ada", 0), said("a", "ben", 1)]).entries
    three = plan_of(("a", "ada"), ("a", "ben"), ("a", "cleo"))
    assert len(disputed(entries, three, ANNOTATE)) == 0
    assert len(disputed(entries, three, ANNOTATE, partial=True)) == 1
    without_cleo = ANNOTATE.model_copy(update={"assessors": ["ada", "ben"]})
    assert len(disputed(entries, three, without_cleo)) == 1
    anybody = plan_of(("a", "anybody"))
    assert len(disputed(entries, anybody, ANNOTATE)) == 1
    assert len(disputed(entries, anybody, ANNOTATE.model_copy(update={"overlap": 3}))) == 0


def test_after_a_ruling_only_changed_votes_that_still_differ_are_asked_again(tmp_path: Path) -> None:
    path, plan = tmp_path / "log.jsonl", plan_of(*both("a", "b", "c"))
    entries = log.append(path, [said(i, n, g) for i in "abc" for n, g in (("ada", 0), ("ben", 2))]).entries
    plan = pd.concat([plan, disputed(entries, plan, ANNOTATE)], ignore_index=True)
    entries = log.append(path, [ruled("a", 0), ruled("b", 1), ruled("c", None)]).entries
    assert len(disputed(entries, plan, ANNOTATE)) == 0  # a ruling without a grade is a ruling
    by = {(e.image_id, e.assessor): e for e in entries}
    # a: they agree now; b: still differ, in another way; c: they have changed places, which says the same
    changes = [("a", "ada", 2), ("b", "ada", 1), ("c", "ada", 2), ("c", "ben", 0)]
    entries = log.append(path, [changed(by[i, n], g) for i, n, g in changes]).entries
    again = disputed(entries, plan, ANNOTATE)
    assert again[["image_id", "pass", "queue"]].to_numpy().tolist() == [["b", 2, 4]]
    assert again["task_key"].tolist() == [task_key("t1.e1", "b", "look-1", 2)]
    plan = pd.concat([plan, again], ignore_index=True)
    assert len(disputed(entries, plan, ANNOTATE)) == 0
    entries = log.append(path, [ruled("b", 2, pass_=2)]).entries
    assert len(disputed(entries, plan, ANNOTATE)) == 0


def test_a_repeat_is_no_second_vote_and_makes_no_dispute(tmp_path: Path) -> None:
    entries = log.append(
        tmp_path / "log.jsonl", [said("a", "ada", 0), said("a", "ben", 0), said("a", "ada", 2, pass_=2)]
    ).entries
    assert len(disputed(entries, plan_of(*both("a")), ANNOTATE)) == 0


def test_without_an_adjudicator_there_is_nobody_to_ask() -> None:
    with pytest.raises(FieldguideError, match=r"annotate\.adjudicator: is empty in params\.yaml; name who decides"):
        disputed([], PLAN.frame([]), ANNOTATE.model_copy(update={"adjudicator": None}))
