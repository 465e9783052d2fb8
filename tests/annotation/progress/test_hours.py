"""Hours: a day by hand, and that no log makes time of nothing."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.annotation.judgments.log import Judgment, LogEntry, ServerRecord
from fieldguide.annotation.progress.hours import (
    IDLE_SECONDS,
    MOST_A_PAGE,
    MOST_AN_IMAGE,
    WorkDay,
    page_times,
    work_days,
)

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Written:
    """Lines of a log, page by page."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []
        self.totals: dict[int, float] = defaultdict(float)

    def page(
        self, at: float, seconds: float | None, number: int, images: int = 1, of: int | None = None, who: str = "ada"
    ) -> Written:
        """`images` answers to a page of `of`, `at` seconds after START; `seconds` recorded in all sittings."""
        of = of or images
        again = any(e.source is not None and e.source.annotation == number for e in self.entries)
        for n in range(images):
            judgment = Judgment(
                subtopic_id="t1.e1", image_id=f"p{number}i{n}", assessor=who, grade=0, choice="not", guideline="g",
                judged_at=(START + timedelta(seconds=at)).isoformat(),
                action="superseded" if again else "judged", supersedes="0" * 64 if again else None,
                seconds=None if seconds is None else round(seconds / of, 3),
                source=ServerRecord(project=1, task=number, annotation=number),
            )  # fmt: skip
            self.add(judgment)
        return self

    def add(self, judgment: Judgment) -> None:
        line = judgment.model_dump(by_alias=True) | {"seq": len(self.entries) + 1, "task_key": judgment.task_key}
        self.entries.append(LogEntry.model_validate(line | {"prev": None, "hash": "0" * 64}))

    def day(self) -> WorkDay:
        (day,) = work_days(page_times(self.entries))
        return day


def test_a_day_by_hand() -> None:
    """The second page took 22 s of which the form saw 20; before the third there was a pause, before the last lunch."""
    log = Written().page(30, 30, 1, 8).page(52, 20, 2, 8).page(352, 40, 3, 8).page(4000, 16, 4, 2)
    assert [page.seconds for page in page_times(log.entries)] == [30, 22, 40, 16]
    assert log.day() == WorkDay("ada", "2026-03-02", 108 / 3600, 4, 26)


def test_a_tab_open_overnight_is_no_night_of_work() -> None:
    night = 10 * 3600
    assert Written().page(night, night, 1, 1).day().hours == MOST_AN_IMAGE / 3600
    assert Written().page(night, night, 1, 8).day().hours == MOST_A_PAGE / 3600


def test_two_open_tabs_are_one_work() -> None:
    log = Written().page(0, 100, 1).page(100, 100, 2).page(101, 100, 3)
    assert log.day().hours == (100 + 101) / 3600


def test_a_page_given_again_counts_what_was_added() -> None:
    """Label Studio adds the sittings of one annotation up: 40 s, then 15 more for one changed answer of eight."""
    log = Written().page(40, 40, 1, 8).page(1000, 55, 1, 1, of=8)
    assert [(page.seconds, page.images) for page in page_times(log.entries)] == [(40, 8), (pytest.approx(15), 1)]


def test_a_short_gap_counts_where_nothing_was_recorded_and_a_long_one_is_unknown() -> None:
    log = Written().page(0, None, 1).page(IDLE_SECONDS, None, 2).page(IDLE_SECONDS * 2 + 1, None, 3)
    assert [page.seconds for page in page_times(log.entries)] == [None, IDLE_SECONDS, None]
    assert log.day().hours == IDLE_SECONDS / 3600


def test_withdrawals_are_no_work_and_labels_of_a_data_set_have_no_day() -> None:
    log = Written().page(0, 10, 1)
    gone = log.entries[0].model_dump(include=set(Judgment.model_fields)) | {
        "action": "withdrawn", "supersedes": "0" * 64, "choice": None, "grade": None,
        "judged_at": (START + timedelta(days=3)).isoformat(),
    }  # fmt: skip
    log.add(Judgment.model_validate(gone))
    log.add(Judgment(subtopic_id="t1.e1", image_id="x", assessor="set", grade=0, choice="not", guideline="g"))
    assert log.day() == WorkDay("ada", "2026-03-02", 10 / 3600, 1, 1)


def test_a_day_is_that_of_utc() -> None:
    log = Written().page(0, 10, 1)
    late = log.entries[0].model_copy(update={"judged_at": "2026-03-02T23:30:00-05:00"})
    assert [day.day for day in work_days(page_times([late]))] == ["2026-03-03"]


pages = st.lists(
    st.tuples(
        st.integers(0, 5 * 86400),
        st.none() | st.floats(0, 20 * 3600),
        st.integers(1, 8),
        st.sampled_from(["ada", "ben"]),
    ),
    max_size=30,
    unique_by=lambda page: page[0],
)


@given(pages)
def test_no_log_makes_time_of_nothing(shown: list[tuple[int, float | None, int, str]]) -> None:
    log = Written()
    for number, (at, seconds, images, who) in enumerate(shown, 1):
        log.page(at, seconds, number, images, who=who)
    times = page_times(log.entries)
    assert sorted(seq for page in times for seq in page.lines) == [e.seq for e in log.entries]
    by_person = defaultdict(list)
    for page in times:
        by_person[page.assessor].append(page)
        most = max(min(MOST_A_PAGE, MOST_AN_IMAGE * page.images), IDLE_SECONDS)
        assert page.seconds is None or 0 <= page.seconds <= most
    days = work_days(times)
    for who, mine in by_person.items():
        own = [day for day in days if day.person == who]
        assert (sum(day.pages for day in own), sum(day.images for day in own)) == (
            len(mine), sum(page.images for page in mine),
        )  # fmt: skip
        assert all(0 <= day.hours <= 24 + MOST_A_PAGE / 3600 for day in own)
        assert sum(day.hours for day in own) <= sum(page.seconds or 0 for page in mine) / 3600 + 1e-9


@given(pages, st.randoms(use_true_random=False))
def test_pages_count_the_same_however_they_came_into_the_log(
    shown: list[tuple[int, float | None, int, str]], random: Random
) -> None:
    """Pulled in another order: the log has other lines first, and people worked the same hours."""
    logs = [Written(), Written()]
    numbered = list(enumerate(shown, 1))
    for log, order in zip(logs, (numbered, sorted(numbered, key=lambda _: random.random())), strict=True):
        for number, (at, seconds, images, who) in order:
            log.page(at, seconds, number, images, who=who)
    one, other = (
        [(d.person, d.day, pytest.approx(d.hours), d.pages, d.images) for d in work_days(page_times(log.entries))]
        for log in logs
    )
    assert one == other


@given(st.lists(st.floats(0.5, IDLE_SECONDS), min_size=1, max_size=40))
def test_steady_work_counts_whole(gaps: list[float]) -> None:
    """Without a pause longer than a minute, hours are what a clock on the wall shows, whatever the form saw of it."""
    log, at = Written(), 0.0
    for number, gap in enumerate(gaps, 1):
        at += gap
        log.page(at, gap / 2, number)
    wall = gaps[0] / 2 + sum(gaps[1:])
    assert log.day().hours * 3600 == pytest.approx(wall, abs=0.01)
