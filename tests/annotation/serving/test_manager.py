"""The manager's page as it is served: behind the manager's key, of what was pulled, within its policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from fieldguide.annotation.serving.app import application
from fieldguide.annotation.serving.visitors import key_of
from fieldguide.cli.views.serving import manager_page
from tests.annotation.serving.conftest import Pages, answers_to, made
from tests.annotation.serving.test_browser import Served

pytestmark = pytest.mark.slow


class ServedManager(Served):
    """With the manager's page as the command serves it."""

    def __init__(self, pages: Pages) -> None:
        super().__init__(pages)
        app = application(pages.site, manager_page(pages.site), ["127.0.0.1"])
        self.running = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        self.thread = threading.Thread(target=self.running.run, kwargs={"sockets": [self.listener]}, daemon=True)


@pytest.fixture(scope="module")
def managed(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedManager]:
    server, paths, params = made(tmp_path_factory.mktemp("managed"))
    with server, ServedManager(Pages.of(server, paths, params)) as served:
        yield served


def test_it_shows_what_was_pulled_and_asked_and_runs_within_its_policy(managed: ServedManager, chromium: Any) -> None:
    pages = managed.pages
    ada = pages.client("ada")
    [page, *_] = ada.get("/api/next").json()["pages"]
    answers = answers_to(page, "plainly-visible")
    ada.post(f"/api/pages/{page['key']}", json={"answers": answers, "seconds": 36}).raise_for_status()
    text = "Should <i>this</i> be here?"
    asked = {"page": page["key"], "position": 1, "flag": True, "text": text}
    ada.post("/api/questions", json=asked).raise_for_status()
    pages.pull()

    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    shown, trouble = context.new_page(), []
    shown.goto(f"{managed.address}/#{key_of(pages.site.accounts, 'manager')}")
    shown.wait_for_load_state("networkidle")
    shown.on("console", lambda message: trouble.append(message.text))
    shown.on("pageerror", lambda error: trouble.append(str(error)))
    shown.goto(f"{managed.address}/manager")
    row = shown.locator("section[aria-labelledby=hours] tbody tr", has_text="ada").first.inner_text().split("\t")
    assert row[2:4] == ["1", str(len(answers))], row
    assert shown.locator(".asked.open .said").inner_text() == text
    assert shown.locator(".asked.open img").evaluate("image => image.naturalWidth > 0")
    assert shown.evaluate("getComputedStyle(document.querySelector('.facts')).display") == "grid", "its styles count"
    assert shown.locator("a[href$='.csv']").count() == 0
    assert trouble == []
    context.close()
    assert ada.get("/manager").status_code == 403
