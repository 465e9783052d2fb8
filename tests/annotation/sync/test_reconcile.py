"""Reconciling: whatever happens on a server between two pulls, nothing is lost, doubled or silently changed."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.annotation.form.task import result_of
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.annotation.label_studio.reading import Given, Served
from fieldguide.annotation.sync.reconcile import Reconciled, reconcile
from fieldguide.records.plan import plan_rows
from tests.annotation.real_server import people_params
from tests.annotation.served_plan import CHOICES, small_plan
from tests.annotation.world import (
    GUIDELINE,
    MANAGER,
    PAGES,
    PEOPLE,
    ROWS,
    STRANGER,
    USERS,
    World,
    asked,
    rows_of,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


CHOSEN = st.dictionaries(st.integers(1, 3), st.sampled_from([*CHOICES, "splendid"]), max_size=3)
GARBAGE = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["from_name", "type", "value", "choices"]), inner, max_size=3)
    ),
    max_leaves=8,
)
TASK, WHICH = st.integers(0, 30), st.integers(0, 5)
USER = st.sampled_from([*USERS.values(), MANAGER, STRANGER])
STEP = st.one_of(
    st.tuples(st.just("right"), TASK, st.lists(st.sampled_from(CHOICES), min_size=2, max_size=2)),
    st.tuples(st.just("answer"), TASK, st.sampled_from(sorted(USERS)), CHOSEN),
    st.tuples(st.just("rewrite"), TASK, WHICH, CHOSEN),
    st.tuples(st.just("edit"), TASK, WHICH, USER, CHOSEN),
    st.tuples(st.just("garble"), TASK, WHICH, GARBAGE),
    st.tuples(st.just("cancel"), TASK, WHICH),
    st.tuples(st.just("give away"), TASK, WHICH, USER),
    st.tuples(st.just("delete"), TASK, WHICH, USER),
    st.tuples(st.just("double"), TASK),
    st.tuples(st.just("drop"), TASK),
    st.tuples(st.just("pull")),
)


def do(world: World, step: tuple[Any, ...]) -> None:
    """One thing that somebody does on the server."""
    kind, *rest = step
    if kind == "pull" or not world.tasks:
        world.pull()
        return
    task = sorted(world.tasks)[rest[0] % len(world.tasks)]
    page = world.tasks[task]
    if kind == "right":
        person = rows_of(page.page_key or "")[0].assessor
        world.answer(task, person, dict(zip(range(1, len(page.task_keys) + 1), rest[1], strict=False)))
    elif kind == "answer":
        world.answer(task, rest[1], rest[2])
    elif kind == "double":
        world.add_task(page.page_key or "")
    elif kind == "drop":
        del world.tasks[task]
    elif page.given:
        touch(world, task, kind, rest[1] % len(page.given), *rest[2:])


def touch(world: World, task: int, kind: str, which: int, *rest: Any) -> None:
    """Something that somebody does to an annotation."""
    author = world.tasks[task].given[which].author or 0
    user, choices = (
        (author, rest[0]) if kind == "rewrite" else (rest[0] if rest else author, rest[-1] if rest else None)
    )
    if kind in ("rewrite", "edit"):
        if user == author:
            world.remember(task, PEOPLE.names.get(author, "?"), choices)
        world.change(task, which, user, result=result_of(choices))
    elif kind == "garble":
        world.change(task, which, author, result=choices)
    elif kind == "cancel":
        world.change(task, which, author, cancelled=True)
    elif kind == "give away" and user != author:  # to oneself it would be saving: see the test of that
        world.change(task, which, author, author=user)
    elif kind == "delete":
        world.delete(task, which, user)


def plain_answers(world: World) -> dict[tuple[str, str], str]:
    """Answers about which there can be no doubt: the asked person's only annotation of the page, nobody else's hand."""
    found: dict[tuple[str, str], str] = {}
    for page_key in PAGES:
        rows = rows_of(page_key)
        tasks = [page for page in world.tasks.values() if page.page_key == page_key]
        user = USERS[rows[0].assessor]
        mine = [g for page in tasks for g in page.given if g.author == user]
        if len(mine) == 1 and mine[0].updated_by == user and not mine[0].cancelled and isinstance(mine[0].result, list):
            parts = {
                p["from_name"]: p["value"]["choices"][0] for p in mine[0].result if isinstance(p, dict) and p.get("id")
            }
            if len(parts) == len(mine[0].result) and set(parts.values()) <= set(CHOICES):
                for row in rows:
                    if f"grade{row.position}" in parts:
                        found[rows[0].assessor, row.task_key] = parts[f"grade{row.position}"]
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_nothing_is_lost_doubled_or_made_up(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for step in steps:
            do(world, step)
        before = world.holds()
        first = world.pull()
        holds = world.holds()
        # Made up: the log holds only what its assessor gave, under the own name.
        assert all(choice in world.said.get(key, ()) for key, choice in holds.items())
        assert all(any(r.assessor == name and r.task_key == key for r in ROWS) for name, key in holds)
        # Lost: what stands on the server without doubt is held, if the log does not stand by another annotation.
        kept = {(e.assessor, e.key): e.source for e in log.current(world.entries())}
        for key, choice in plain_answers(world).items():
            source = kept.get(key)
            assert source is not None
            annotations = {g.annotation for page in world.tasks.values() for g in page.given}
            assert holds[key] == choice or (source.annotation in annotations and choice != holds[key])
        # Lost: what was held and is no more was withdrawn, line by line.
        withdrawn = {(j.assessor, j.task_key) for j in first.judgments if j.action == "withdrawn"}
        assert set(before) - set(holds) == withdrawn
        assert not withdrawn & {(h.assessor, line.key) for h in first.held for line in h.lines}
        # Doubled: a second pull appends nothing and refuses the same.
        again = world.pull()
        assert again.judgments == ()
        assert {r.key for r in again.refused} <= {r.key for r in first.refused}


def test_each_image_of_a_page_is_one_judgment_with_what_the_plan_asked(world: World) -> None:
    page, task = asked("ada")
    number = world.answer(task, "ada", {1: "plainly-visible", 2: "cannot-tell"})
    found = world.pull()
    rows = rows_of(page)
    assert [(j.subtopic_id, j.image_id, j.choice, j.grade) for j in found.judgments] == [
        (rows[0].subtopic_id, rows[0].image_id, "plainly-visible", 2),
        (rows[1].subtopic_id, rows[1].image_id, "cannot-tell", None),
    ]
    first = found.judgments[0]
    assert (first.assessor, first.role, first.seconds, first.sighted) == ("ada", "assessor", 2.0, False)
    assert first.judged_at is not None and first.judged_at.endswith("Z")
    assert first.source is not None and (first.source.task, first.source.annotation) == (task, number)


def test_a_page_answered_in_part_gives_what_it_has(world: World) -> None:
    _, task = asked("ada")
    world.answer(task, "ada", {2: "not-visible"})
    assert [j.choice for j in world.pull().judgments] == ["not-visible"]


def by(name: str, **fields: Any) -> dict[str, Any]:
    return {"user": USERS[name], **fields}


@pytest.mark.parametrize(
    ("reason", "words", "change"),
    [
        ("unknown-author", "user 99 is nobody", {"user": STRANGER, "author": STRANGER}),
        ("not-asked", "ada was asked, and ben answered", by("ben", author=USERS["ben"])),
        ("edited-by-another", "it is ada's, and ben wrote it last", by("ben")),
        ("edited-by-another", "user 1 wrote it last", {"user": MANAGER}),
        ("made-in-bulk", "nobody who submitted", {"user": None}),
        ("malformed", "not a list but dict", by("ada", result={})),
        (
            "no-such-image",
            "image 3 was answered, and the page shows 1, 2",
            by("ada", result=result_of({3: CHOICES[0]})),
        ),
        ("unknown-choice", "image 1 has 'splendid'", by("ada", result=result_of({1: "splendid"}))),
        ("not-one-choice", "image 1 has 2 choices", by("ada", result=2 * result_of({1: CHOICES[0]}))),
    ],
)
def test_what_is_no_judgment_is_refused_with_its_reason(
    world: World, reason: str, words: str, change: dict[str, Any]
) -> None:
    _, task = asked("ada")
    world.answer(task, "ada", {1: "plainly-visible", 2: "not-visible"})
    world.change(task, 0, **change)
    found = world.pull()
    assert not found.judgments
    assert [(r.reason, r.task, r.annotation) for r in found.refused] == [(reason, task, 1)]
    assert words in found.refused[0].detail and found.refused[0].remedy


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("unknown-page", {"page_key": "0" * 64}),
        ("unknown-page", {"page_key": None}),
        ("page-changed", {"task_keys": ("x", "y")}),
        ("page-changed", {"pictures": ("another", "image")}),
    ],
)
def test_a_task_that_is_not_what_the_plan_asks_is_refused(world: World, reason: str, fields: dict[str, Any]) -> None:
    _, task = asked("ada")
    world.answer(task, "ada", {1: "plainly-visible"})
    world.tasks[task] = dataclasses.replace(world.tasks[task], **fields)
    found = world.pull()
    assert not found.judgments and [r.reason for r in found.refused] == [reason]


def test_an_image_that_could_not_be_shown_is_not_judged_and_the_rest_of_its_page_is(world: World) -> None:
    _, task = asked("ada")
    world.answer(task, "ada", {1: "plainly-visible", 2: "not-visible"})
    world.tasks[task] = dataclasses.replace(world.tasks[task], pictures=("", world.tasks[task].pictures[1]))
    found = world.pull()
    assert [j.choice for j in found.judgments] == ["not-visible"]
    assert [(r.reason, r.position) for r in found.refused] == [("no-such-image", 1)]


def test_a_guideline_that_is_lost_is_named(world: World) -> None:
    _, task = asked("ada")
    world.answer(task, "ada", {1: "plainly-visible"})
    found = reconcile(list(world.tasks.values()), {1: set(world.tasks)}, ROWS, (), {}, PEOPLE)
    assert [r.reason for r in found.refused] == ["unknown-guideline"]
    assert GUIDELINE.version in found.refused[0].detail


def test_what_somebody_else_edits_leaves_the_log_as_it_is_and_an_edit_without_effect_is_no_matter(world: World) -> None:
    _, task = asked("ada")
    world.answer(task, "ada", {1: "plainly-visible", 2: "not-visible"})
    world.pull()
    world.change(task, 0, MANAGER)  # marked as ground truth, say
    assert world.pull() == Reconciled(read=1)
    world.change(task, 0, USERS["ben"], result=result_of({1: "not-visible", 2: "not-visible"}))
    found = world.pull()
    assert not found.judgments and [r.reason for r in found.refused] == ["edited-by-another"]
    world.change(task, 0, USERS["ada"], result=result_of({1: "partly-visible", 2: "not-visible"}))
    assert [(j.action, j.choice) for j in world.pull().judgments] == [("superseded", "partly-visible")]


def test_what_somebody_else_edited_and_its_author_saves_is_the_authors(world: World) -> None:
    _, task = asked("ada")
    world.answer(task, "ada", {1: "plainly-visible"})
    world.change(task, 0, USERS["ben"], result=result_of({1: "not-visible"}))
    assert [r.reason for r in world.pull().refused] == ["edited-by-another"]
    world.change(task, 0, USERS["ada"])
    assert [(j.assessor, j.choice) for j in world.pull().judgments] == [("ada", "not-visible")]


def test_of_two_annotations_the_logs_one_counts_else_the_lowest(world: World) -> None:
    _, task = asked("ada")
    world.answer(task, "ada", {1: "plainly-visible"})
    world.answer(task, "ada", {1: "not-visible"})
    found = world.pull()
    assert [j.choice for j in found.judgments] == ["plainly-visible"]
    assert [(r.reason, r.annotation) for r in found.refused] == [("second-annotation", 2)]
    world.delete(task, 0, USERS["ada"])
    assert [(j.action, j.choice) for j in world.pull().judgments] == [("superseded", "not-visible")]


def test_skipping_is_no_judgment_and_takes_an_answer_back(world: World) -> None:
    _, task = asked("ada")
    world.answer(task, "ada", {1: "plainly-visible", 2: "not-visible"})
    world.change(task, 0, USERS["ada"], cancelled=True)
    assert world.pull() == Reconciled(read=1, skipped=1)
    world.change(task, 0, USERS["ada"], cancelled=False)
    assert len(world.pull().judgments) == 2
    world.change(task, 0, USERS["ada"], cancelled=True)
    assert [j.action for j in world.pull().judgments] == ["withdrawn"] * 2


def test_what_is_deleted_is_withdrawn_for_its_author_and_the_manager_and_held_for_others(world: World) -> None:
    tasks = [asked("ada")[1], asked("ada", 1)[1], asked("ada", 2)[1]]
    for task in tasks:
        world.answer(task, "ada", {1: "plainly-visible", 2: "not-visible"})
    world.pull()
    for task, user in zip(tasks, (USERS["ada"], MANAGER, USERS["ben"]), strict=True):
        world.delete(task, 0, user)
    found = world.pull()
    assert [j.action for j in found.judgments] == ["withdrawn"] * 4
    assert [(h.assessor, h.why, len(h.lines)) for h in found.held] == [("ada", "deleted by ben, whose they are not", 2)]
    assert [j.action for j in world.pull(accept_withdrawals=True).judgments] == ["withdrawn"] * 2
    assert world.holds() == {}


def test_a_new_server_whose_numbers_collide_withdraws_nothing(world: World) -> None:
    page, task = asked("ada")
    world.answer(task, "ada", {1: "plainly-visible", 2: "not-visible"})
    world.pull()
    before = world.holds()
    other = next(key for key in PAGES if key != page)
    fresh = World(world.folder)
    fresh.tasks = {task: dataclasses.replace(fresh.tasks[PAGES.index(other) + 1], task=task)}
    assert fresh.pull().judgments == () and fresh.holds() == before


def test_a_shared_project_takes_any_assessor_and_no_adjudicator() -> None:
    params = people_params(projects="shared", repeat_share=0, preannotation=None, page=2)
    rows = plan_rows(small_plan(params, subtopics=1, images=2))
    page = Served(
        project=1, task=1, page_key=rows[0].page_key, task_keys=tuple(r.task_key for r in rows),
        pictures=tuple(r.image_id for r in rows), updated_at=None, updated_by=None,
        given=tuple(
            Given(n, USERS[name], USERS[name], "2026-01-01T00:00:00Z", None, False, result_of({1: CHOICES[0]}))
            for n, name in enumerate(("ada", "cleo", "dora"), 1)
        ),
    )  # fmt: skip
    found = reconcile([page], {1: {1}}, rows, (), {GUIDELINE.version: GUIDELINE}, PEOPLE)
    assert [j.assessor for j in found.judgments] == ["ada", "cleo"]
    assert [(r.reason, r.assessor) for r in found.refused] == [("not-asked", "dora")]


def test_the_adjudicators_judgment_says_so(world: World) -> None:
    page = next(key for key in PAGES if rows_of(key)[0].purpose == "adjudicate")
    world.answer(PAGES.index(page) + 1, "dora", {1: "partly-visible"})
    judgment: Judgment = world.pull().judgments[0]
    assert (judgment.assessor, judgment.role) == ("dora", "adjudicator")
