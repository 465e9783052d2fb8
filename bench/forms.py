"""`python -m bench.forms [SECONDS]`: how fast images are judged in a real browser, by a person who need not think.

stock     Label Studio, one image a task, the labelling config of its own template for image classification
grid      the pages of `fieldguide annotate serve`, eight images a page
pick      the same, thirty thumbnails a page, of which every fifth is marked and the rest is not

A person is a loop that waits until the images of a page are loaded, presses a key an image (in `pick` a key a relevant
image) and Ctrl+Enter, for so many seconds (60). Images a minute, seconds and keys an image; and how many times the row
above. The three take turns on the same machine, each with a server and a browser of its own.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from bench.annotation import large
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.annotation.sync.push import push
from tests.annotation.form.test_browser import INSTRUCTIONS, signed_in, submit
from tests.annotation.real_server import LabelStudioServer
from tests.annotation.serving.conftest import Pages
from tests.annotation.serving.test_browser import Served

_VIEW = {"width": 1280, "height": 720}
_IMAGES = 12_000
# Of its template "image classification".
_STOCK = """<View><Image name="image" value="$image"/><Choices name="choice" toName="image">
    <Choice value="relevant"/><Choice value="unclear"/><Choice value="not"/></Choices></View>"""
_READY = "() => { const i = document.querySelector('.lsf-image img'); return i && i.complete && i.naturalWidth > 0; }"
_SENT = "() => (localStorage.getItem('fieldguide-outbox-ada') ?? '[]') === '[]'"
_ROOM = "() => JSON.parse(localStorage.getItem('fieldguide-outbox-ada') ?? '[]').length < 20"
_LOADED = """() => { const all = [...document.querySelectorAll(".tile")];
    return all.length > 0 && all.every((tile) => !tile.classList.contains("unloaded")); }"""


def stock(browser: Any, root: Path, seconds: float) -> tuple[int, int, float]:
    """Images, keys and seconds of Label Studio's own form."""
    paths, params = large(root, _IMAGES, images={"kind": "local-files"})
    with LabelStudioServer.fresh(paths.root, params) as server:
        push(server.client(), paths, params.annotate, params.release.name)
        [project] = find_projects(server.client(), params.release.name)
        server.client().projects.update(project.id, label_config=_STOCK)
        page = signed_in(browser.new_context(viewport=_VIEW), server)
        page.goto(f"{server.url}/projects/{project.id}/data?labeling=1")
        page.wait_for_selector(INSTRUCTIONS)
        page.keyboard.press("Escape")
        page.wait_for_selector(INSTRUCTIONS, state="detached")
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            done += 1
            page.wait_for_selector(f"text=/^{done} of {done}$/")
            page.wait_for_function(_READY)
            page.keyboard.press("3")
            submit(page)
        return done, 2 * done, time.perf_counter() - start


def served(browser: Any, root: Path, seconds: float, press: Callable[[int], list[str]], **annotate: Any) -> Any:
    """Images, keys and seconds of the pages; `press` says which keys judge a page of so many images."""
    paths, params = large(root, _IMAGES, images={"kind": "local-files"}, **annotate)
    with LabelStudioServer.fresh(paths.root, params) as server, Served(Pages.of(server, paths, params)) as pages:
        page = pages.open(browser.new_context(viewport=_VIEW))
        done, keys, start = 0, 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            page.wait_for_function(_LOADED)
            images, node = page.locator(".tile").count(), page.query_selector(".sheet")
            for key in press(images):
                page.keyboard.press(key)
            page.wait_for_function(_ROOM)  # the browser is faster than the server, which is what is timed
            page.keyboard.press("Control+Enter")
            page.wait_for_function("(sheet) => !sheet.isConnected", arg=node)
            done, keys = done + images, keys + len(press(images)) + 1
        page.wait_for_function(_SENT, timeout=60_000)
        spent = time.perf_counter() - start
        assert pages.pages.site.unread >= done // 31, "pages are missing on the server"
        return done, keys, spent


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    grid = lambda images: list("asdfghjk"[:images])  # noqa: E731
    pick = lambda images: list("12345678qwertyuiasdfghjkzxcvbn"[:images:5])  # noqa: E731
    above = None
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, found in (
            ("stock", lambda: stock(browser, Path(folder) / "stock", seconds)),
            ("grid", lambda: served(browser, Path(folder) / "grid", seconds, grid, page=8)),
            ("pick", lambda: served(browser, Path(folder) / "pick", seconds, pick, page=30, form="pick")),
        ):
            images, keys, spent = found()
            rate = 60 * images / spent
            times = "" if above is None else f"{rate / above:.1f} x"
            spent_each, keys_each = spent / images, keys / images
            print(f"{name:6}{rate:7.0f} images a minute {spent_each:7.3f} s {keys_each:5.2f} keys an image {times}")
            above = rate


if __name__ == "__main__":
    main()
