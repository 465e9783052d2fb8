"""The report in a real browser, opened from disk: it filters, sorts and enlarges, by mouse and by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fieldguide.core.paths import Paths

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(chromium: Any, paths: Paths) -> Iterator[Any]:
    """Opens a page by its address; at the end nothing was complained of, and nothing asked for from anywhere."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    folder = paths.report.parent.resolve().as_uri()
    page.on("request", lambda request: request.url.startswith(folder) or trouble.append(request.url))

    def to(address: str) -> Any:
        page.goto(f"{folder}/{address}")
        return page

    yield to
    assert trouble == []
    context.close()


def listed(page: Any) -> list[str]:
    """First cells of the rows of the first table that are shown."""
    return [cell.inner_text() for cell in page.locator("table").first.locator("tbody tr:visible th").all()]


@pytest.mark.parametrize(("words", "shown"), [("", 7), ("satsuma", 3), ("SATSUMA look", 1), ("nothing", 0)])
def test_topics_are_filtered_by_words(opened: Any, words: str, shown: int) -> None:
    page = opened("topics.html")
    page.get_by_label("Words").fill(words)
    assert len(listed(page)) == shown
    assert page.locator("#count").inner_text() == f"{shown} of 7"


def test_a_link_holds_what_is_filtered_and_one_system_beside_another(opened: Any) -> None:
    ahead = listed(opened("topics.html?system=visret&against=random&outcome=wins"))
    behind = listed(opened("topics.html?system=visret&against=random&outcome=losses"))
    page = opened("topics.html?system=visret&against=random")
    assert set(ahead).isdisjoint(behind) and ahead and set(ahead) | set(behind) <= set(listed(page))
    assert page.locator("#chosen").inner_text() == "visret \u2212 random"
    signs = {
        row.locator("th").inner_text(): row.locator("td").last.inner_text() for row in page.locator("tbody tr").all()
    }
    assert {question for question, difference in signs.items() if difference.startswith("+")} == set(ahead)


def test_topics_are_narrowed_to_a_kind_a_feature_and_an_entity(opened: Any) -> None:
    page = opened("topics.html")
    everything = listed(page)
    page.locator("#kind").select_option("comparison")
    compared = listed(page)
    page.locator("#entity").select_option("satsuma")
    both = listed(page)
    assert set(both) < set(compared) < set(everything)
    assert both == listed(opened("topics.html?kind=comparison&entity=satsuma"))
    page.get_by_label("Feature").select_option(index=1)
    assert page.locator("#count").inner_text() == f"{len(listed(page))} of 7"


def test_leaderboards_are_narrowed_to_a_track_and_a_family(opened: Any) -> None:
    page = opened("index.html")
    boards = page.locator("section.board").count()
    assert len(listed(page)) == 3
    page.get_by_label("Family of systems").select_option("visret")
    assert [name.split()[0] for name in listed(page)] == ["visret"]
    page.get_by_label("Ranked").select_option("rerank")
    assert 0 < page.locator("section.board:visible").count() < boards
    page.get_by_label("Family of systems").select_option("all")
    assert page.locator("section.board:visible tbody tr:visible").count() > 3


def test_a_heading_sorts_by_the_keyboard_alone_and_again_turns_it(opened: Any) -> None:
    page = opened("index.html")
    before = listed(page)
    page.locator("table").first.get_by_role("button", name="System").focus()
    page.keyboard.press("Enter")
    assert listed(page) == sorted(before)
    page.keyboard.press("Enter")
    assert listed(page) == sorted(before, reverse=True)
    assert page.locator("th[aria-sort=descending]").count() == 1


def test_a_picture_is_enlarged_and_the_focus_comes_back(opened: Any, paths: Paths) -> None:
    page = opened(f"topics/{next((paths.report.parent / 'topics').iterdir()).name}")
    picture = page.locator("a.t").first
    picture.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog").is_visible()
    assert page.locator("dialog p").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert picture.evaluate("link => link === document.activeElement")


def test_the_first_tab_skips_to_the_content(opened: Any) -> None:
    page = opened("index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 800])
def test_no_page_is_wider_than_the_screen(chromium: Any, paths: Paths, width: int, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    folder = paths.report.parent
    one_each = [next((folder / part).iterdir()) for part in ("topics", "entities", "systems")]
    for file in [*sorted(folder.glob("*.html")), *one_each]:
        page.goto(file.resolve().as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, file.name
    page.goto(paths.report.resolve().as_uri())
    assert page.locator("table.ranking tbody td b").first.bounding_box()["x"] < width - 40, "the mean is not cut off"
    page.goto((folder / "topics.html").resolve().as_uri())
    value = page.locator("#list tbody tr td").last.bounding_box()
    assert value["x"] + value["width"] <= width, "the value is not cut off"
    context.close()
