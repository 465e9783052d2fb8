"""What a project lacks and what it has too much."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fieldguide.annotation.label_studio.tasks import Listed
from fieldguide.annotation.planning.pages import PlanPage
from fieldguide.annotation.sync.difference import Difference, difference
from fieldguide.records.plan import PlanRow


def page(number: int, queue: int | None = None) -> PlanPage:
    key = f"{number:064x}"
    at = number if queue is None else queue
    return PlanPage((PlanRow("ada", key, "t.e1", "i", "g", 1, "judge", False, 1, key, 1, at),))


def keyed(*numbers: int) -> dict[str, PlanPage]:
    return {page(n).key: page(n) for n in numbers}


def task(number: int, of: int | None, annotated: bool = False) -> Listed:
    return Listed(number, None if of is None else f"{of:064x}", annotated)


def test_missing_pages_are_made_in_the_assessors_order() -> None:
    pages = {p.key: p for p in (page(1, 9), page(2, 4), page(3, 7))}
    assert [p.queue for p in difference(pages, pages, set(), []).create] == [4, 7, 9]


def test_what_the_log_holds_is_not_asked_again_and_what_is_not_due_is_not_asked() -> None:
    pages = keyed(1, 2, 3)
    found = difference([page(1).key, page(2).key], pages, {page(1).key}, [])
    assert found.create == (page(2),)


def test_of_copies_the_answered_one_stays_and_else_the_first() -> None:
    pages = keyed(1, 2)
    listed = [task(10, 1), task(11, 1, True), task(12, 1), task(20, 2), task(21, 2)]
    found = difference(pages, pages, set(), listed)
    assert found == Difference((), 2, (10, 12, 21), {}, (), ())


def test_answered_copies_are_named_and_never_removed() -> None:
    pages = keyed(1)
    found = difference(pages, pages, set(), [task(10, 1, True), task(11, 1, True), task(12, 1)])
    assert found.answered == {page(1).key: (11,)}
    assert found.remove == (12,)


def test_tasks_of_no_page_go_where_untouched_and_what_others_made_stays() -> None:
    found = difference([], keyed(1), set(), [task(5, 99), task(6, 98, True), task(7, None), task(8, None, True)])
    assert (found.remove, found.foreign, found.strangers) == ((5,), (6,), (7, 8))


def test_pages_that_are_due_no_more_stay_where_they_are() -> None:
    assert difference([], keyed(1), set(), [task(5, 1)]) == Difference((), 0, (), {}, (), ())


@given(st.data())
def test_acting_on_a_difference_leaves_none(data: Any) -> None:
    numbers = st.integers(0, 5)
    pages = keyed(*range(4))
    wanted = [page(n).key for n in data.draw(st.sets(st.integers(0, 3)))]
    done = {page(n).key for n in data.draw(st.sets(st.integers(0, 3)))}
    drawn = data.draw(st.lists(st.tuples(st.none() | numbers, st.booleans()), max_size=12))
    listed = [task(n, of, annotated) for n, (of, annotated) in enumerate(drawn, 1)]
    found = difference(wanted, pages, done, listed)
    answered = {t.task for t in listed if t.annotated}
    assert not answered & set(found.remove)
    after = [t for t in listed if t.task not in found.remove]
    after += [task(100 + n, int(p.key, 16)) for n, p in enumerate(found.create)]
    again = difference(wanted, pages, done, after)
    assert (again.create, again.remove) == ((), ())
    assert set(wanted) <= {t.page_key for t in after} | done


def test_of_who_left_only_answered_pages_stay() -> None:
    found = difference([], keyed(1, 2), set(), [task(10, 1), task(11, 2, annotated=True), task(12, 2)], left=True)
    assert (found.create, found.remove, found.answered, found.foreign) == ((), (10, 12), {}, ())
