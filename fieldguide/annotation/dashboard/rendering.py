"""The page: one HTML file that holds its styles and pictures and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources

import jinja2
from markupsafe import Markup

from fieldguide.annotation.dashboard.figures import DashboardFigures
from fieldguide.annotation.progress.hours import IDLE_SECONDS, MOST_A_PAGE, MOST_AN_IMAGE, WorkDay
from fieldguide.core.grouping import grouped

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
SHOWN_DAYS = 28
"""Days up to the last one of the log that are drawn; hours.csv has all."""
SHOWN_QUESTIONS = 100
"""Of the open ones, and of the answered ones; questions.csv has all."""


@dataclass(frozen=True)
class HoursDrawn:
    """One person's hours on each of the last days: days (ISO 8601), hours, and the most that anybody has on one."""

    days: tuple[str, ...]
    hours: tuple[float, ...]
    most: float


def page_html(found: DashboardFigures, picture: Callable[[str], str | None], tables: Sequence[str] = ()) -> str:
    """The page.

    Args:
        found: the figures.
        picture: gives the address (`data:`) of a small picture of an image, or None.
        tables: names of the CSV files beside the page; none where there are none.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fieldguide.annotation.dashboard", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (resources.files("fieldguide.annotation.dashboard") / "templates" / "dashboard.css").read_text("utf-8")
    newest = list(reversed(found.questions))
    return environment.get_template(
        "dashboard.html.j2"
    ).render(
        found=found,
        style=Markup(css),  # noqa: S704 - a file of this package
        policy=POLICY,
        picture=picture,
        tables=tables,
        paces={pace.person: pace for pace in found.paces},
        drawn=hours_drawn(found.days),
        disputes={one.topic_id: one for one in found.disputes},
        open=[thread for thread in newest if thread.open][:SHOWN_QUESTIONS],
        answered=[thread for thread in newest if not thread.open][:SHOWN_QUESTIONS],
        most=SHOWN_QUESTIONS,
        counting={"idle": IDLE_SECONDS, "image": MOST_AN_IMAGE, "page": MOST_A_PAGE},
    )


def hours_drawn(days: Sequence[WorkDay]) -> dict[str, HoursDrawn]:
    """By person; of everybody the same days."""
    if not days:
        return {}
    first, last = (end(date.fromisoformat(day.day) for day in days) for end in (min, max))
    since = max(first, last - timedelta(days=SHOWN_DAYS - 1))
    axis = tuple((since + timedelta(days=n)).isoformat() for n in range((last - since).days + 1))
    most = max(day.hours for day in days)
    return {
        person: HoursDrawn(axis, tuple(mine.get(day, 0.0) for day in axis), most)
        for person, mine in (
            (person, {day.day: day.hours for day in own})
            for person, own in sorted(grouped((day.person, day) for day in days).items())
        )
    }
