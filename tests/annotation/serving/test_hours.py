"""Hours against the clock: two working days in a real browser, with pauses and a tab that stays open overnight."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fieldguide.annotation.progress.hours import page_times, work_days
from fieldguide.annotation.serving.visitors import key_of
from tests.annotation.serving.conftest import Pages, made
from tests.annotation.serving.test_browser import Served, loaded

pytestmark = pytest.mark.slow

KEYS = "asdfghjk"
AWAY = {8: 12 * 60, 16: 45 * 60, 20: 15 * 3600, 28: 30 * 60}
"""Seconds before a page is answered: coffee, lunch, the night, coffee; the page is open all the time."""


def test_hours_are_the_clocks(migrated: Path, tmp_path: Path, chromium: Any) -> None:
    """Some nine seconds an image, with no sign of life between two keys.

    The browser's clock is moved on; Label Studio's cannot be, so that the log's times are set to those of the browser.
    """
    server, paths, params = made(tmp_path, page=8, assessors=["ada"], overlap=1, repeat_share=0.0)
    chance, given = Random(15), []
    with server, Served(Pages.of(server, paths, params)) as served:
        page = chromium.new_context(viewport={"width": 1024, "height": 700}).new_page()
        page.clock.install(time=datetime(2026, 11, 2, 8, tzinfo=UTC))
        page.goto(f"{served.address}/#{key_of(served.pages.site.accounts, 'ada')}")
        page.wait_for_selector("dialog[open] .guidelines")
        page.keyboard.press("Escape")
        worked: dict[str, float] = defaultdict(float)
        pages = len(list(served.pages.site.state.board.asked("ada")))
        for number in range(pages):
            loaded(page)
            sheet, begun = page.query_selector(".sheet"), now(page)
            page.clock.fast_forward(AWAY.get(number, 0) * 1000)
            for key in "0" if page.query_selector(".single") else KEYS[: page.locator(".tile").count()]:
                page.clock.fast_forward(round(chance.uniform(5, 13) * 1000))
                page.keyboard.press(key)
            page.keyboard.press("Control+Enter")
            page.wait_for_function("(sheet) => !sheet.isConnected", arg=sheet)
            given.append(now(page))
            worked[given[-1].date().isoformat()] += (given[-1] - begun).total_seconds() - AWAY.get(number, 0)
        page.wait_for_function("() => localStorage.getItem('fieldguide-outbox-ada') === '[]'")
        entries = served.pages.pull()
    turns = {at: given[n] for n, at in enumerate(sorted({entry.judged_at for entry in entries}))}
    assert len(turns) == pages >= 30
    there = [entry.model_copy(update={"judged_at": turns[entry.judged_at].isoformat()}) for entry in entries]
    hours = {day.day: day.hours for day in work_days(page_times(there))}
    assert len(hours) == 2 and set(hours) == set(worked)
    for day, seconds in worked.items():
        assert hours[day] * 3600 == pytest.approx(seconds, rel=0.1), day


def now(page: Any) -> datetime:
    """What time the browser has."""
    return datetime.fromtimestamp(page.evaluate("() => Date.now()") / 1000, UTC)
