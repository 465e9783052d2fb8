"""Hours that people worked, from the log: what was recorded of each page, without the time that nobody worked. Pure.

Label Studio's own form records the time from showing a page to its last answer: an open tab counts, and turning the
page does not. So the time between two pages stands for the later one where it is short, and what is recorded counts
up to a limit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.core.grouping import grouped

IDLE_SECONDS = 60.0
"""Two pages given within this time: all of it was work. As in the browser, where a pause counts so much at most."""
MOST_AN_IMAGE = 120.0
MOST_A_PAGE = 600.0
"""Seconds that a page counts at most, whatever was recorded: a tab that stayed open overnight is not a night's work."""


@dataclass(frozen=True)
class PageTime:
    """One page as somebody gave it; given again with other answers, it is another.

    Attributes:
        at: when it was given, UTC; None where nobody judged at a time.
        lines: numbers (`seq`) of its lines in the log.
        seconds: that count as work on it; None where no time is known.
    """

    assessor: str
    at: datetime | None
    lines: tuple[int, ...]
    seconds: float | None

    @property
    def images(self) -> int:
        """Answers that were new."""
        return len(self.lines)

    @property
    def an_image(self) -> float | None:
        """Seconds of each of them."""
        return None if self.seconds is None else self.seconds / self.images


@dataclass(frozen=True)
class WorkDay:
    """What one person did on one day (UTC, ISO 8601): hours, pages given, images answered on them."""

    person: str
    day: str
    hours: float
    pages: int
    images: int


def page_times(entries: Iterable[LogEntry]) -> list[PageTime]:
    """The time of every page in the log, by person, in the order in which they gave them. Withdrawals are no work."""
    given = grouped((_submission(entry), entry) for entry in entries if entry.action != "withdrawn")
    recorded = _recorded(given)
    pages = [
        PageTime(lines[0].assessor, _time(lines[0]), tuple(e.seq for e in lines), recorded[key])
        for key, lines in given.items()
    ]
    pages.sort(key=lambda page: (page.assessor, page.at or datetime.min.replace(tzinfo=UTC), page.lines))
    return [time for mine in grouped((p.assessor, p) for p in pages).values() for time in _counted(mine)]


def work_days(pages: Iterable[PageTime]) -> list[WorkDay]:
    """Hours of each person and day, by person and day. Pages given at no known time are left out.

    A day has no more hours than passed from its first page to its last, and the first: two open tabs are one work.
    """
    timed = [(page.at, page) for page in pages if page.at is not None]
    days = grouped(((page.assessor, at.date().isoformat()), (at, page)) for at, page in timed)
    return [
        WorkDay(person, day, _hours(mine), len(mine), sum(page.images for _, page in mine))
        for (person, day), mine in sorted(days.items())
    ]


def _hours(day: Sequence[tuple[datetime, PageTime]]) -> float:
    first, last = min(day, key=_when), max(day, key=_when)
    passed = (last[0] - first[0]).total_seconds() + (first[1].seconds or 0.0)
    seconds = sum(page.seconds or 0.0 for _, page in day)
    return min(seconds, passed) / 3600


def _when(given: tuple[datetime, PageTime]) -> tuple[datetime, tuple[int, ...]]:
    return given[0], given[1].lines


def _submission(entry: LogEntry) -> Hashable:
    """What lines of one page have in common."""
    if entry.judged_at is None:
        return entry.seq
    return entry.assessor, entry.source, entry.judged_at


def _time(entry: LogEntry) -> datetime | None:
    return None if entry.judged_at is None else datetime.fromisoformat(entry.judged_at).astimezone(UTC)


def _recorded(given: Mapping[Hashable, list[LogEntry]]) -> dict[Hashable, float | None]:
    """What the form recorded of each page. Of a page given again it is all sittings together: the earlier go off."""
    shown: dict[Hashable, set[str]] = defaultdict(set)
    before: dict[Hashable, float] = defaultdict(float)
    made: dict[Hashable, float | None] = {}
    for key, lines in sorted(given.items(), key=lambda item: item[1][0].seq):
        page = (lines[0].assessor, lines[0].source) if lines[0].source is not None else key
        shown[page] |= {entry.key for entry in lines}
        shares = [entry.seconds for entry in lines if entry.seconds is not None]
        if not shares:
            made[key] = None
            continue
        # Lines hold each image's share, and a page given again has lines of the changed images alone.
        whole = max(shares) * len(shown[page]) if lines[0].source is not None else sum(shares)
        most = min(MOST_A_PAGE, MOST_AN_IMAGE * len(shown[page]))
        made[key] = min(max(whole - before[page], 0.0), most)
        before[page] = max(before[page], whole)
    return made


def _counted(pages: Iterable[PageTime]) -> Iterator[PageTime]:
    """One person's pages, in their order, with what counts of each."""
    last: datetime | None = None
    for page in pages:
        gap = None if last is None or page.at is None else (page.at - last).total_seconds()
        last = page.at or last
        short = gap is not None and gap <= IDLE_SECONDS
        yield replace(page, seconds=max(page.seconds or 0.0, gap)) if short and gap is not None else page
