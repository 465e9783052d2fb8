"""`python -m bench.forms [SECONDS [SLIPS]]`: how fast images are judged in a real browser.

stock     Label Studio, one image a task, the labelling config of its own template for image classification
grid      the pages of `fieldguide annotate serve`, eight images a page
pick      the same, thirty thumbnails a page, of which what is relevant is marked and the rest is not

A person is a loop that waits until the images of a page are loaded, thinks so long about each, presses a key for it (in
`pick` for a relevant one) and then Ctrl+Enter, for so many seconds (40). Every fifth image is relevant. Images a minute
at each length of thought; overhead and keys an image; how many times the row above, where nobody thinks. The three
take turns on the same machine, each with a server and a browser of its own.

SLIPS is the share of keys (0) for which the finger hits a key beside it, which the person does not see; an image that
the page calls unanswered is answered then. Missed (relevant, judged otherwise) and wrongly marked images in a thousand
are read from the log.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import sync_playwright

from bench.annotation import large
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.annotation.sync.push import push
from tests.annotation.form.test_browser import INSTRUCTIONS, signed_in, submit
from tests.annotation.real_server import LabelStudioServer
from tests.annotation.serving.conftest import Pages
from tests.annotation.serving.test_browser import Served

_VIEW = {"width": 1280, "height": 720}
_IMAGES = 15_000
_GLANCE = 310.0
"""Milliseconds after which a page of thumbnails on which nothing is marked takes that the rest is not relevant."""
_THINKS = (0.0, 0.5, 1.0)
# Of its template "image classification".
_STOCK = """<View><Image name="image" value="$image"/><Choices name="choice" toName="image">
    <Choice value="relevant"/><Choice value="unclear"/><Choice value="not"/></Choices></View>"""
_READY = "() => { const i = document.querySelector('.lsf-image img'); return i && i.complete && i.naturalWidth > 0; }"
_IDS = "() => [...document.querySelectorAll('.tile img')].map((i) => new URL(i.src).pathname.split('/').at(-1))"
_MISSING = """() => [...document.querySelectorAll(".tile")].flatMap((tile, n) =>
    tile.classList.contains("missing") ? [n] : [])"""
_ROWS = ("12345678", "qwertyui", "asdfghjk", "zxcvbnm,")
_RELEVANT, _NOT = "plainly-visible", "not-visible"
_SENT = "() => (localStorage.getItem('fieldguide-outbox-ada') ?? '[]') === '[]'"
_ROOM = "() => JSON.parse(localStorage.getItem('fieldguide-outbox-ada') ?? '[]').length < 20"
_LOADED = """() => { const all = [...document.querySelectorAll(".tile")];
    return all.length > 0 && all.every((tile) => !tile.classList.contains("unloaded")); }"""


@dataclass(frozen=True)
class Judged:
    """What a person got done; of the images, how many relevant ones were missed and how many others marked."""

    images: int
    keys: int
    seconds: float
    missed: int = 0
    marked: int = 0


def stock(browser: Any, root: Path, seconds: float) -> Iterator[Judged]:
    """What gets done in Label Studio's own form, for each of `_THINKS`."""
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
        task = 0
        for think in _THINKS:
            done, start = 0, time.perf_counter()
            while time.perf_counter() - start < seconds:
                done, task = done + 1, task + 1
                page.wait_for_selector(f"text=/^{task} of {task}$/")
                page.wait_for_function(_READY)
                time.sleep(think)
                page.keyboard.press("3")
                submit(page)
            yield Judged(done, 2 * done, time.perf_counter() - start)


@dataclass(frozen=True)
class Person:
    """Eyes and fingers on the pages.

    Attributes:
        slips: share of keys that go wrong.
        think: seconds an image.
    """

    form: Literal["grid", "pick"]
    slips: float
    think: float
    chance: random.Random

    def key(self, position: int, relevant: bool) -> str | None:
        """The key that judges the image of a position (from 0); None where none is needed."""
        if self.form == "grid":
            return _ROWS[0 if relevant else 2][position]
        return _ROWS[position // 8][position % 8] if relevant else None

    def pressed(self, key: str) -> str:
        """The key that the finger hits."""
        if self.chance.random() >= self.slips:
            return key
        row = next(n for n, keys in enumerate(_ROWS) if key in keys)
        column = _ROWS[row].index(key)
        beside = [(row, column - 1), (row, column + 1), (row - 1, column), (row + 1, column)]
        return self.chance.choice([_ROWS[r][c] for r, c in beside if 0 <= r < 4 and 0 <= c < 8])

    def judge(self, page: Any) -> tuple[int, int]:
        """Judge the page that is shown; images and keys."""
        page.wait_for_function(_LOADED)
        start = time.perf_counter()
        sheet, images = page.query_selector(".sheet"), page.evaluate(_IDS)
        keys = [self.key(n, is_relevant(image)) for n, image in enumerate(images)]
        for key in keys:
            time.sleep(self.think)
            if key is not None:
                page.keyboard.press(self.pressed(key))
        if self.form == "pick" and not any(keys):
            page.wait_for_timeout(max(0.0, _GLANCE - 1000 * (time.perf_counter() - start)))
        page.wait_for_function(_ROOM)  # the browser is faster than the server, which is what is timed
        page.keyboard.press("Control+Enter")
        missing = page.evaluate(_MISSING) if self.slips else []
        for n in missing:
            page.keyboard.press(str(self.key(n, is_relevant(images[n]))))
        if missing:
            page.keyboard.press("Control+Enter")
        page.wait_for_function("(sheet) => !sheet.isConnected", arg=sheet)
        pressed = sum(key is not None for key in keys)
        return len(images), pressed + len(missing) + 1 + bool(missing)


def is_relevant(image_id: str) -> bool:
    """Every fifth image, by its id."""
    return int(image_id[:8], 16) % 5 == 0


def served(
    browser: Any, root: Path, seconds: float, form: Literal["grid", "pick"], size: int, slips: float
) -> Iterator[Judged]:
    """What a person gets done on the pages, for each of `_THINKS`."""
    paths, params = large(root, _IMAGES, images={"kind": "local-files"}, form=form, page=size)
    chance, known = random.Random(15), 0
    with LabelStudioServer.fresh(paths.root, params) as server, Served(Pages.of(server, paths, params)) as pages:
        page = pages.open(browser.new_context(viewport=_VIEW))
        for think in _THINKS:
            person = Person(form, slips, think, chance)
            done, keys, start = 0, 0, time.perf_counter()
            while time.perf_counter() - start < seconds:
                images, pressed = person.judge(page)
                done, keys = done + images, keys + pressed
            page.wait_for_function(_SENT, timeout=60_000)
            spent = time.perf_counter() - start
            entries = pages.pages.pull()[known:]
            known += len(entries)
            if len(entries) != done:
                raise SystemExit(f"{done} images were judged, and the log has {len(entries)}: run it again")
            missed = sum(is_relevant(e.image_id) and e.choice != _RELEVANT for e in entries)
            marked = sum(not is_relevant(e.image_id) and e.choice != _NOT for e in entries)
            yield Judged(done, keys, spent, missed, marked)


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def line(name: str, found: Sequence[Judged], above: Judged | None, slips: float) -> str:
    """What is printed of one form."""
    quick = found[0]
    rates = " / ".join(f"{60 * one.images / one.seconds:.0f}" for one in found)
    each = f"{quick.seconds / quick.images:.3f} s {quick.keys / quick.images:.2f} keys an image"
    times = f" {quick.images / quick.seconds / (above.images / above.seconds):.1f} x" if above else ""
    if not slips or above is None:
        return f"{name:6} {rates:>20} images a minute  {each}{times}"
    images = sum(one.images for one in found) / 1000
    missed, marked = (sum(getattr(one, what) for one in found) / images for what in ("missed", "marked"))
    return f"{name:6} {rates:>20} images a minute  {each}{times}  missed {missed:.1f}, marked {marked:.1f} in 1,000"


def main() -> None:
    seconds, slips = (*map(float, sys.argv[1:]), *(40.0, 0.0)[len(sys.argv) - 1 :])
    print(f"{'':6} {' / '.join(f'{think:g} s' for think in _THINKS):>20} of thought an image")
    above = None
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for name, judged in (
            ("stock", stock(browser, Path(folder) / "stock", seconds)),
            ("grid", served(browser, Path(folder) / "grid", seconds, "grid", 8, slips)),
            ("pick", served(browser, Path(folder) / "pick", seconds, "pick", 30, slips)),
        ):
            found = list(judged)
            print(line(name, found, above, slips), flush=True)
            above = found[0]


if __name__ == "__main__":
    main()
