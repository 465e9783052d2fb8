"""How fast people work, and when they will be done. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fieldguide.annotation.progress.effort import Effort
from fieldguide.annotation.progress.hours import WorkDay
from fieldguide.core.grouping import grouped
from fieldguide.records.plan import ANYBODY

RECENT_DAYS = 7
"""Days up to the last one of the log, days off among them, whose hours are the present pace."""


@dataclass(frozen=True)
class PersonPace:
    """Hours of one person, or of all together (`anybody`, in a shared project).

    Attributes:
        hours: worked so far; `pages` and `images` in them.
        an_hour: images an hour; None where no time is known.
        hours_left: of the whole plan; None for whom nothing is planned by name.
        a_day: hours a day lately.
        done: the day by which nothing is left at that pace (ISO 8601); None where nobody works, or nothing is left.
    """

    person: str
    hours: float
    pages: int
    images: int
    an_hour: float | None
    hours_left: float | None
    a_day: float
    done: str | None


def paces(days: Sequence[WorkDay], efforts: Iterable[Effort], names: Iterable[str]) -> list[PersonPace]:
    """The pace of each of `names`, in their order."""
    left = {effort.assessor: effort.hours_left for effort in efforts}
    last = max((date.fromisoformat(day.day) for day in days), default=None)
    mine = grouped((day.person, day) for day in days)
    return [_pace(name, days if name == ANYBODY else mine.get(name, []), left.get(name), last) for name in names]


def finished(found: Iterable[PersonPace]) -> str | None:
    """The day by which everybody is done at the present pace; None where somebody with work left does none."""
    open_ = [pace.done for pace in found if pace.hours_left]
    known = [day for day in open_ if day is not None]
    return max(known) if known and len(known) == len(open_) else None


def _pace(name: str, days: Sequence[WorkDay], left: float | None, last: date | None) -> PersonPace:
    hours, images = sum(day.hours for day in days), sum(day.images for day in days)
    a_day = _lately(days, last) if last is not None else 0.0
    return PersonPace(
        person=name,
        hours=hours,
        pages=sum(day.pages for day in days),
        images=images,
        an_hour=images / hours if hours > 0 else None,
        hours_left=left,
        a_day=a_day,
        done=_done(last, left, a_day),
    )


def _lately(days: Sequence[WorkDay], last: date) -> float:
    """Hours a day in the last `RECENT_DAYS`, or since the person's first day where that is later."""
    if not days:
        return 0.0
    first = min(date.fromisoformat(day.day) for day in days)
    since = max(first, last - timedelta(days=RECENT_DAYS - 1))
    recent = sum(day.hours for day in days if date.fromisoformat(day.day) >= since)
    return recent / ((last - since).days + 1)


def _done(last: date | None, left: float | None, a_day: float) -> str | None:
    if last is None or not left or a_day <= 0:
        return None
    days = math.ceil(left / a_day)
    return (last + timedelta(days=days)).isoformat() if days < 36525 else None
