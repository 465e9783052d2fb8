"""The form in a real browser: an annotator signs in and judges with the keyboard alone."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fieldguide.annotation.form.task import ShownPage, choices_of, predictions, task_data
from fieldguide.annotation.form.template import instructions, label_config
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.annotation.label_studio.projects import WantedProject, find_projects
from fieldguide.annotation.sync.pull import pull
from fieldguide.annotation.sync.push import push
from fieldguide.records.plan import PLAN
from tests.annotation.planned_benchmark import planned
from tests.annotation.real_server import LabelStudioServer

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).resolve().parents[3] / "annotation"
GUIDELINE = read_guideline(FOLDER / "guidelines.md")
PLAINLY, PARTLY, NOT, CANNOT_TELL, BROKEN = GUIDELINE.choices
INSTRUCTIONS = ".lsf-modal-ls_visible"


@pytest.fixture
def page(chromium: Any, shared_server: LabelStudioServer) -> Iterator[Any]:
    """A browser of a small laptop, with ada signed in."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    yield signed_in(context, shared_server)
    context.close()


def signed_in(context: Any, server: LabelStudioServer) -> Any:
    """A page of ada's, who signed in through the server's own form."""
    page = context.new_page()
    ada = server.accounts.people["ada"]
    assert ada.password is not None
    page.goto(f"{server.url}/user/login/")
    page.fill("input[name=email]", ada.email)
    page.fill("input[name=password]", ada.password.get_secret_value())
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    return page


def picture(number: int) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (120, 90), (20 * number % 256, 120, 60)).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def serve(server: LabelStudioServer, tiles: int, pages: Sequence[int], guesses: tuple[str | None, ...] = ()) -> int:
    """A project of ada's with one task for each number of images."""
    config = label_config((FOLDER / "label_config.xml").read_text(encoding="utf-8"), GUIDELINE, tiles)
    wanted = WantedProject(
        "test", "ada", "judge", GUIDELINE.version, config, instructions(GUIDELINE), sighted=bool(guesses)
    )
    client = server.client()
    project = client.projects.create(title=wanted.title, **wanted.settings).id
    asked = [
        ShownPage(
            page_key=f"{number:064x}",
            question='Which has "green" skin & <spots>?',
            entity="Granny Smith",
            feature="skin colour: green",
            part="skin",
            references=tuple(picture(n) for n in (7, 8, 9)),
            images=tuple(picture(n) for n in range(count)),
            items=tuple((f"{n:064x}", f"image{n}") for n in range(count)),
            guesses=guesses,
        )
        for number, count in enumerate(pages)
    ]
    tasks = [{"data": task_data(one), "predictions": predictions(one, tiles)} for one in asked]
    client.projects.import_tasks(project, request=tasks)
    return int(project)


def open_form(page: Any, server: LabelStudioServer, project: int) -> None:
    """Go to the first page of a project; the instructions open by themselves, Escape closes them."""
    page.goto(f"{server.url}/projects/{project}/data?labeling=1")
    page.wait_for_selector(".page .question .lsf-richtext__container:not(:empty)")
    page.wait_for_selector(INSTRUCTIONS)
    page.keyboard.press("Escape")
    page.wait_for_selector(INSTRUCTIONS, state="detached")


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def submit(page: Any) -> None:
    """Ctrl+Enter, and wait until the server has it."""
    with page.expect_response(lambda r: "/annotations" in r.url and r.request.method in ("POST", "PATCH")) as reply:
        page.keyboard.press("Control+Enter")
    assert reply.value.ok


def chosen(page: Any) -> list[str]:
    """The choices that are marked, from the first image to the last."""
    return [
        mark.get_attribute("name")
        for mark in page.query_selector_all(".page .ant-radio-checked input")
        if mark.get_attribute("name") in GUIDELINE.choices
    ]


def given(server: LabelStudioServer, project: int) -> dict[str, dict[int, list[str]]]:
    """What the server has, by page_key."""
    tasks = server.client().tasks.list(project=project, fields="all")
    return {task.data["page_key"]: choices_of(a["result"]) for task in tasks for a in task.annotations}


def test_a_page_of_images_is_judged_with_the_keyboard(page, shared_server):
    project = serve(shared_server, 8, [8, 2, 1])
    open_form(page, shared_server, project)
    press(page, "1", "w", "d", "v", "Shift+5", "y", "7", "a")  # image 1 twice: the last answer counts
    assert len(chosen(page)) == 7
    press(page, "Control+Enter")
    page.wait_for_selector("text=Image 8 has no grade yet.")
    press(page, "Escape")
    page.wait_for_selector("text=Image 8 has no grade yet.", state="hidden")
    press(page, ",")
    assert chosen(page) == [NOT, PARTLY, NOT, CANNOT_TELL, BROKEN, PARTLY, PLAINLY, CANNOT_TELL]
    submit(page)

    page.wait_for_selector("text=2 of 2")
    assert page.locator(".page .tile:visible").count() == 2
    press(page, "1", "s", "5", "k", "9", "0", "l")  # the rest are keys of images that are not there, and of nothing
    submit(page)
    page.wait_for_selector("text=3 of 3")
    assert page.locator(".page .tile:visible").count() == 1
    press(page, "Shift+1")
    submit(page)

    first, second, third = (f"{n:064x}" for n in range(3))
    found = given(shared_server, project)
    assert found[first] == {
        1: [NOT], 2: [PARTLY], 3: [NOT], 4: [CANNOT_TELL], 5: [BROKEN], 6: [PARTLY], 7: [PLAINLY], 8: [CANNOT_TELL],
    }  # fmt: skip
    assert found[second] == {1: [PLAINLY], 2: [NOT]}
    assert found[third] == {1: [BROKEN]}


def test_ten_images_are_judged_one_by_one_with_the_keyboard(page, shared_server):
    project = serve(shared_server, 1, [1] * 10)
    open_form(page, shared_server, project)
    keys = ["2", "1", "0", "c", "b", "2", "2", "1", "0", "c"]
    for number, key in enumerate(keys, 1):
        page.wait_for_selector(f"text={number} of {number}")
        page.wait_for_selector(".page .lsf-image img")
        press(page, key)
        submit(page)
    by_key = {answer.key: answer.choice for answer in GUIDELINE.answers}
    assert given(shared_server, project) == {f"{n:064x}": {1: [by_key[key]]} for n, key in enumerate(keys)}


def test_an_answer_is_corrected_after_it_was_submitted(page, shared_server):
    project = serve(shared_server, 8, [2, 2])
    open_form(page, shared_server, project)
    press(page, "1", "2")
    submit(page)
    page.wait_for_selector("text=2 of 2")
    page.click("[aria-label*='revious']")
    page.wait_for_selector("text=1 of 2")
    page.wait_for_selector(".page .ant-radio-checked")
    press(page, "s")
    submit(page)
    assert given(shared_server, project) == {f"{0:064x}": {1: [PLAINLY], 2: [NOT]}}


@pytest.mark.parametrize(("tiles", "larger"), [(8, "Shift+E"), (1, "z")])
def test_guidelines_and_a_larger_image_are_one_key_away(page, shared_server, tiles, larger):
    open_form(page, shared_server, serve(shared_server, tiles, [tiles]))
    assert not page.is_visible("text=How to decide")
    press(page, "o")
    page.wait_for_selector("text=How to decide")
    press(page, "o")
    page.wait_for_selector("text=How to decide", state="hidden")
    press(page, larger)
    page.wait_for_selector(".page .large:visible img")
    assert page.locator(".page .large:visible img").bounding_box()["height"] > 500
    press(page, "1")  # judged while it is large
    press(page, larger)
    page.wait_for_selector(".page .large:visible", state="hidden")
    assert len(chosen(page)) == 1


@pytest.mark.parametrize("tiles", [1, 2, 4, 5, 8])
def test_a_small_screen_shows_a_page_whole(page, shared_server, tiles):
    open_form(page, shared_server, serve(shared_server, tiles, [tiles]))
    bottom = page.locator(".lsf-bottombar").bounding_box()["y"]
    for label in page.query_selector_all(".page .ant-radio-wrapper:visible"):
        box = label.bounding_box()
        assert box["y"] + box["height"] <= bottom
        assert box["x"] + box["width"] <= 1280
    for image in page.query_selector_all(".page .picture img:visible, .page .lsf-image img"):
        assert image.bounding_box()["height"] >= 180


def test_a_sighted_page_begins_with_the_guesses(page, shared_server):
    project = serve(shared_server, 8, [3], guesses=(PLAINLY, None, NOT))
    open_form(page, shared_server, project)
    page.wait_for_selector(".page .ant-radio-checked")
    assert chosen(page) == [PLAINLY, NOT]
    assert not page.is_visible(".page .tile >> nth=3")
    press(page, "w", "3")
    submit(page)
    assert given(shared_server, project) == {f"{0:064x}": {1: [PLAINLY], 2: [PARTLY], 3: [PLAINLY]}}


def test_the_question_is_shown_as_it_is_written(page, shared_server):
    open_form(page, shared_server, serve(shared_server, 8, [8]))
    assert page.inner_text(".page .question").strip() == 'Which has "green" skin & <spots>?'
    assert page.locator(".page .references img").count() == 3


@pytest.mark.parametrize("tiles", [4, 1])
def test_what_is_judged_in_the_browser_arrives_in_the_log(chromium, migrated, tmp_path, tiles):
    places, params = planned(tmp_path / "benchmark", page=tiles)
    with LabelStudioServer.fresh(places.root, params) as server:
        push(server.client(), places, params.annotate, params.release.name)
        project = next(p for p in find_projects(server.client(), params.release.name) if p.assessor == "ada")
        plan = PLAN.read(places.asked)
        rows = plan[plan["assessor"] == "ada"].sort_values(["queue", "position"])
        first = [group for _, group in rows.groupby("queue")][:3]
        context = chromium.new_context(viewport={"width": 1280, "height": 720})
        page = signed_in(context, server)
        open_form(page, server, project.id)
        keys = "1wdv" if tiles == 4 else "2"
        for number, group in enumerate(first, 1):
            page.wait_for_selector(f"text={number} of {number}")
            page.wait_for_function("[...document.querySelectorAll('.page img')].every(i => i.naturalWidth > 0)")
            press(page, *keys[: len(group)])
            submit(page)
        context.close()
        pulled = pull(server.client(), places, params.annotate, params.release.name)
    asked = {row.task_key: row.position for group in first for row in group.itertuples()}
    given = {1: PLAINLY, 2: PARTLY, 3: NOT, 4: CANNOT_TELL}
    entries = log.read(places.judgments).entries
    assert pulled.judged == len(asked) and pulled.quarantined == 0
    assert {entry.key: entry.choice for entry in entries} == {key: given[n] for key, n in asked.items()}
    assert {entry.assessor for entry in entries} == {"ada"}
    assert all(entry.seconds is not None and entry.seconds > 0 for entry in entries)
