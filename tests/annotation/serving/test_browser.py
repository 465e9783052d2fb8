"""The pages in a real browser, before a real Label Studio: no key does what is not seen."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from fieldguide.annotation.serving.app import application
from fieldguide.annotation.serving.visitors import key_of
from tests.annotation.serving.conftest import Pages, made

pytestmark = pytest.mark.slow

SIZES = [pytest.param({"page": 1}, id="1"), pytest.param({"page": 8}, id="8"), pytest.param({"page": 30}, id="30")]
KEYS = [*"12345678qwertyuiasdfghjkzxcvbnm,0", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]
CHOSEN = """() => Object.fromEntries([...document.querySelectorAll(".tile")].map((tile, n) => [n + 1,
    (tile.className.match(/\\bc\\d/) ?? [""])[0]]))"""
FOCUSED = """() => { const on = document.activeElement; const ring = getComputedStyle(on);
    return {tag: on.tagName, id: on.id, text: on.textContent.slice(0, 30), label: on.getAttribute("aria-label"),
            ring: on === document.body || (ring.outlineStyle !== "none" && parseFloat(ring.outlineWidth) >= 2)}; }"""


class Served:
    """The pages on a port of this machine."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        app = application(pages.site, lambda: "<p>figures", ["127.0.0.1"])
        self.running = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        self.thread = threading.Thread(target=self.running.run, kwargs={"sockets": [self.listener]}, daemon=True)

    def __enter__(self) -> Served:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.running.should_exit = True
        self.thread.join(10)

    def open(self, context: Any, person: str = "ada") -> Any:
        """The person's page, the guidelines read."""
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"an error of the page: {error}"))
        page.goto(f"{self.address}/#{key_of(self.pages.site.accounts, person)}")
        page.wait_for_selector("dialog[open] .guidelines")
        page.keyboard.press("Escape")
        loaded(page)
        return page


def loaded(page: Any) -> None:
    page.wait_for_selector(".tile")
    page.wait_for_function("() => !document.querySelector('.tile.unloaded')")
    if page.query_selector(".pick"):
        page.wait_for_timeout(350)  # a page of thumbnails is looked at before the rest of it is not relevant


@pytest.fixture(scope="module", params=SIZES)
def served(request: Any, migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Pages of 1, 8 and 30 images, on a server of their own."""
    form = {"form": "pick"} if request.param["page"] > 8 else {}
    server, paths, params = made(tmp_path_factory.mktemp("served"), repeat_share=0.0, **request.param, **form)
    with server, Served(Pages.of(server, paths, params)) as served:
        yield served


@pytest.fixture
def page(served: Served, chromium: Any) -> Iterator[Any]:
    """A small laptop's browser, with ada's first page."""
    context = chromium.new_context(viewport={"width": 1024, "height": 700})
    yield served.open(context)
    context.close()


def columns(page: Any) -> int:
    return len(page.evaluate(CHOSEN))


def test_a_page_is_whole_on_a_small_screen(page: Any) -> None:
    assert page.evaluate("() => document.documentElement.scrollHeight <= innerHeight")
    for tile in page.query_selector_all(".tile"):
        box = tile.bounding_box()
        assert box["y"] + box["height"] <= 700 and box["x"] + box["width"] <= 1024 and box["height"] > 60


def test_whatever_has_the_focus_shows_it_and_no_key_changes_an_answer_unseen(page: Any) -> None:
    """Tab through all that can have the focus; at each, press every key of an answer and every arrow."""
    seen, elements = set(), []
    for _ in range(80):
        page.keyboard.press("Tab")
        on = page.evaluate(FOCUSED)
        assert on["ring"], on
        if tuple(on.values()) in seen:
            break
        seen.add(tuple(on.values()))
        if on["tag"] != "BODY":
            elements.append(page.evaluate_handle("() => document.activeElement"))
    assert len(elements) >= 7
    for number, element in enumerate(elements):
        for key in KEYS[number % 5 :: 5]:
            element.as_element().focus()
            before = page.evaluate(CHOSEN)
            page.keyboard.press(key)
            after = page.evaluate(CHOSEN)
            changed = [n for n in after if after[n] != before[n]]
            assert len(changed) <= 1, (number, key, before, after)
            if changed:
                assert_is_the_keys_own(page, key, changed[0], after)


def assert_is_the_keys_own(page: Any, key: str, position: str, after: dict[str, str]) -> None:
    """The tile that changed bears the key, and shows its answer."""
    assert not key.startswith("Arrow"), "an arrow changed an answer"
    tile = page.query_selector_all(".tile")[int(position) - 1]
    signs = [sign.text_content() for sign in tile.query_selector_all("kbd")] or [
        sign.text_content() for sign in page.query_selector_all(".side .answers kbd")
    ]
    assert key in signs, (key, signs)
    pressed = page.query_selector_all("button[aria-pressed=true]")
    mark = tile.query_selector(".mark")
    assert after[position] == "" or pressed or (mark and mark.text_content())


@pytest.mark.parametrize("opens", ["o", "?"])
def test_no_key_acts_behind_what_is_open(page: Any, opens: str) -> None:
    before, address = page.evaluate(CHOSEN), page.url
    page.keyboard.press(opens)
    page.wait_for_selector("dialog[open]")
    if opens == "?":
        page.focus("dialog .head button")
    for key in [*KEYS, "Control+Enter", "PageDown", "PageUp"]:
        if key not in ("o", "?"):
            page.keyboard.press(key)
    assert page.evaluate(CHOSEN) == before and page.url == address
    page.keyboard.press("Escape")
    assert page.query_selector("dialog[open]") is None
    assert len(page.query_selector_all("dialog")) == 1


def test_an_image_that_is_large_takes_its_own_answer_and_no_others(page: Any) -> None:
    page.query_selector(".picture").focus()
    form = "pick" if page.query_selector(".pick") else "single" if page.query_selector(".single") else "grid"
    page.keyboard.press({"pick": "Shift+1", "single": "z", "grid": "Shift+Q"}[form])
    page.wait_for_selector("dialog.large[open]")
    before = page.evaluate(CHOSEN)
    for key in "345678ertyui":
        page.keyboard.press(key)
    if form != "single":
        assert page.evaluate(CHOSEN) == before
    page.keyboard.press("1")
    after = page.evaluate(CHOSEN)
    assert {n for n in after if after[n] != before[n]} == {"1"}
    page.keyboard.press({"pick": "Shift+1", "single": "z", "grid": "Shift+Q"}[form])
    assert page.query_selector("dialog[open]") is None and page.evaluate(CHOSEN) == after


def test_a_larger_image_is_larger_however_few_pixels_it_has(page: Any) -> None:
    small = page.query_selector(".picture img").bounding_box()
    page.query_selector(".picture").focus()
    form = "pick" if page.query_selector(".pick") else "single" if page.query_selector(".single") else "grid"
    page.keyboard.press({"pick": "Shift+1", "single": "z", "grid": "Shift+Q"}[form])
    image = page.wait_for_selector("dialog.large[open] .frame img")
    large = image.bounding_box()
    assert large["width"] > small["width"] and large["height"] >= 0.8 * 700
    image.click()
    assert image.evaluate("img => [img.width, img.height]") == image.evaluate(
        "img => [img.naturalWidth, img.naturalHeight]"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_of_a_chosen_answer_can_be_read(served: Served, chromium: Any, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": 1024, "height": 700}, color_scheme=scheme)
    page = served.open(context)
    page.evaluate("""() => document.querySelectorAll(".answers button, .tile").forEach((one, n) => {
        one.classList.add(`c${n % 7}`); one.setAttribute("aria-pressed", "true") })""")
    found = page.evaluate(COLOURS)
    context.close()
    assert found
    for ink, paper in found:
        assert contrast(ink, paper) >= 4.5, (ink, paper)


COLOURS = """() => [...document.querySelectorAll(".answers button, .answers button kbd, .mark")].map(one => {
    const paper = one.closest("button.c0, button.c1, button.c2, button.c3, button.c4, button.c5, button.c6, .mark")
    const both = [getComputedStyle(one).color, getComputedStyle(paper).backgroundColor]
    return both.map(colour => colour.match(/\\d+/g).slice(0, 3).map(Number)) })"""


def contrast(one: list[int], other: list[int]) -> float:
    """Of two colours, by WCAG 2."""
    linear = [[v / 3294.6 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in c] for c in (one, other)]
    low, high = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in linear)
    return (high + 0.05) / (low + 0.05)


def test_each_image_of_a_page_of_thumbnails_can_be_large(page: Any) -> None:
    if not page.query_selector(".pick"):
        pytest.skip("pages of thumbnails alone")
    last = columns(page)
    assert last > 8
    page.query_selector_all(".picture")[-1].focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.large[open] .answers button")
    before = page.evaluate(CHOSEN)
    page.click("dialog.large .answers button")
    assert {n for n, now in page.evaluate(CHOSEN).items() if now != before[n]} == {str(last)}
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.query_selector("dialog[open]") is None


def test_two_dialogs_at_once_are_the_second(page: Any) -> None:
    page.evaluate("() => ['questions', 'rulings'].forEach((n) => document.getElementById(`open-${n}`).click())")
    page.wait_for_function("() => document.querySelectorAll('dialog[open] .head button').length === 1")
    page.wait_for_timeout(300)
    assert page.locator("dialog[open] .head button").count() == 1, "the dialog is empty"
    page.keyboard.press("Escape")
    assert page.query_selector("dialog[open]") is None


def test_a_second_press_does_not_give_away_a_page_that_nobody_saw(page: Any) -> None:
    if not page.query_selector(".pick"):
        pytest.skip("elsewhere every image needs an answer")
    before = int(page.text_content("#left").split()[0])
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => localStorage.getItem('fieldguide-outbox-ada') === '[]'")
    page.wait_for_timeout(300)
    assert int(page.text_content("#left").split()[0]) == before - 1
    sheet = page.query_selector(".sheet")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("(sheet) => !sheet.isConnected", arg=sheet)  # somebody who marks something has looked


def test_what_one_person_judged_is_not_given_in_anothers_name(served: Served, chromium: Any) -> None:
    context = chromium.new_context(viewport={"width": 1024, "height": 700})
    page = served.open(context, "ada")
    served.open(context, "ben")
    for position in range(columns(page)):
        key = "0" if page.query_selector(".single") else "" if page.query_selector(".pick") else "asdfghjk"[position]
        if key:
            page.keyboard.press(key)
    before = served.pages.site.unread
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("form.enter")
    assert "(ben)" in page.text_content("form.enter label")
    assert len(page.evaluate("() => JSON.parse(localStorage.getItem('fieldguide-outbox-ada'))")) == 1
    assert served.pages.site.unread == before
    context.close()


def test_what_lacks_an_answer_is_marked_and_named(page: Any) -> None:
    if page.query_selector(".pick"):
        pytest.skip("on a page of thumbnails the rest is not relevant")
    page.keyboard.press("Control+Enter")
    assert len(page.query_selector_all(".tile.missing")) == columns(page)
    words = page.text_content("#status")
    assert words.startswith("Without an answer: image 1") and str(columns(page)) in words


def test_an_image_that_does_not_load_is_asked_for_again_and_cannot_be_judged(served: Served, chromium: Any) -> None:
    context = chromium.new_context(viewport={"width": 1024, "height": 700})
    failing = {"on": True}
    context.route("**/image/**", lambda route: route.abort() if failing["on"] else route.continue_())
    page = context.new_page()
    page.clock.install()
    page.goto(f"{served.address}/#{key_of(served.pages.site.accounts, 'ada')}")
    page.wait_for_selector("dialog[open] .guidelines")
    page.keyboard.press("Escape")
    for seconds in (1, 3, 8, 8):
        page.wait_for_timeout(150)
        page.clock.fast_forward(seconds * 1000)
    page.wait_for_selector(".note")
    page.keyboard.press("1")
    assert not any(page.evaluate(CHOSEN).values())
    assert all(button.is_disabled() for button in page.query_selector_all(".answers button"))
    page.keyboard.press("Control+Enter")
    assert page.text_content("#status").startswith("Not loaded, and so not judged: image 1")
    failing["on"] = False
    page.click(".picture")
    page.wait_for_function("() => !document.querySelector('.tile').classList.contains('unloaded')")
    context.close()


def test_pages_are_given_by_the_keyboard_and_taken_back_by_the_key_for_it(served: Served, page: Any) -> None:
    before = page.text_content("#left")
    shown = page.evaluate("() => document.querySelector('.picture img').src")
    for position in range(columns(page)):
        key = "1" if page.query_selector(".single") else "" if page.query_selector(".pick") else "qwertyui"[position]
        if key:
            page.keyboard.press(key)
    given = page.evaluate(CHOSEN)
    page.keyboard.press("Control+Enter")
    page.wait_for_function("(before) => document.getElementById('left').textContent !== before", arg=before)
    page.wait_for_function("() => localStorage.getItem('fieldguide-outbox-ada') === '[]'")
    page.keyboard.press("PageUp")
    page.wait_for_function("(src) => document.querySelector('.picture img')?.src === src", arg=shown)
    loaded(page)
    if not page.query_selector(".pick"):
        assert page.evaluate(CHOSEN) == given
    else:
        assert all(page.evaluate(CHOSEN).values())


def test_what_the_server_did_not_take_stays_in_the_browser_until_it_does(served: Served, chromium: Any) -> None:
    context = chromium.new_context(viewport={"width": 1024, "height": 700})
    page = served.open(context, "ben")
    context.route("**/api/pages/*", lambda route: route.fulfill(status=503, json={"error": "away"}))
    for position in range(columns(page)):
        key = "0" if page.query_selector(".single") else "" if page.query_selector(".pick") else "asdfghjk"[position]
        if key:
            page.keyboard.press(key)
    page.keyboard.press("Control+Enter")
    page.wait_for_function("() => document.getElementById('status').textContent.includes('kept in this browser')")
    assert len(page.evaluate("() => JSON.parse(localStorage.getItem('fieldguide-outbox-ben'))")) == 1
    page.close(run_before_unload=False)
    context.unroute("**/api/pages/*")
    before = served.pages.site.unread
    again = context.new_page()
    again.goto(served.address)
    again.wait_for_function("() => localStorage.getItem('fieldguide-outbox-ben') === '[]'")
    assert served.pages.site.unread == before + 1
    context.close()


def test_time_is_the_clocks_but_for_what_of_a_pause_is_idle(served: Served, chromium: Any) -> None:
    """Two minutes at work, a pause of ten minutes, a tab open overnight."""
    context = chromium.new_context(viewport={"width": 1024, "height": 700})
    page = context.new_page()
    page.clock.install()
    page.goto(f"{served.address}/#{key_of(served.pages.site.accounts, 'cleo')}")
    page.wait_for_selector("dialog[open] .guidelines")
    page.keyboard.press("Escape")
    time.sleep(0.5)
    taken = "async () => (await import('/assets/time.js')).take()"
    page.evaluate(taken)
    for _ in range(12):
        page.clock.fast_forward(10_000)
        page.keyboard.press("Shift")
    assert page.evaluate(taken) == pytest.approx(120, rel=0.05)
    page.clock.fast_forward(600_000)
    page.keyboard.press("Shift")
    assert page.evaluate(taken) == pytest.approx(10, rel=0.2)
    page.clock.fast_forward(10 * 3_600_000)
    page.keyboard.press("Shift")
    assert page.evaluate(taken) == pytest.approx(10, rel=0.2)
    context.close()
