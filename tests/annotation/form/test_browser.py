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


AT_THE_FOCUS = """() => {
    const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at)
    const ring = style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2
    return {tag: at.tagName, seen: box.width * box.height > 0, ring}
}"""
IN_SIGHT = """e => {
    const box = e.getBoundingClientRect(), at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return at !== null && e.contains(at)
}"""


@pytest.mark.parametrize(("tiles", "key", "choice"), [(8, "x", CANNOT_TELL), (1, "c", CANNOT_TELL)])
def test_where_ever_the_focus_is_it_is_seen_and_only_the_keys_of_answers_answer(
    page, shared_server, tiles, key, choice
):
    project = serve(shared_server, tiles, [tiles])
    open_form(page, shared_server, project)
    stops = 0
    while True:
        press(page, "Tab")
        at = page.evaluate(AT_THE_FOCUS)
        if at["tag"] == "BODY":
            break
        stops += 1
        assert at["tag"] in ("A", "BUTTON") and at["seen"] and at["ring"], at
        press(page, "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")
        assert chosen(page) == []
        press(page, key)
        assert chosen(page) == [choice]
        press(page, key)
        assert chosen(page) == []
    assert stops >= 6


@pytest.mark.parametrize("opener", ["o", "larger", "instructions"])
@pytest.mark.parametrize(("tiles", "larger", "key"), [(8, "Shift+E", "h"), (1, "z", "0")])
def test_what_keys_do_behind_what_is_open_stays_in_sight(page, shared_server, opener, tiles, larger, key):
    """Label Studio binds keys to the page, and nothing of a form can take them away: so answers are never covered."""
    open_form(page, shared_server, serve(shared_server, tiles, [tiles]))
    page.set_viewport_size({"width": 1024, "height": 700})
    if opener == "instructions":
        page.click("button:has-text('Instructions')")
        page.wait_for_selector(INSTRUCTIONS)
    else:
        press(page, larger if opener == "larger" else "o")
        page.wait_for_selector(".page .large:visible" if opener == "larger" else ".page .help:visible")
    page.wait_for_timeout(500)  # until what opens has stopped moving
    press(page, key)
    assert chosen(page) == [NOT]
    labels = page.query_selector_all(".page .ant-radio-wrapper")
    graded = [label for label in labels if label.query_selector("input").get_attribute("name") in GUIDELINE.choices]
    assert len(graded) == 5 * tiles
    assert all(label.evaluate(IN_SIGHT) for label in graded)
    marked = [
        label for label in graded if label.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(74, 74, 74)"
    ]
    assert [label.inner_text().split()[-2 if tiles > 1 else 1] for label in marked] == ["not"]


def test_a_page_of_one_image_of_many_shows_it_large_and_zooms(page, shared_server):
    project = serve(shared_server, 8, [1, 1])
    page.set_viewport_size({"width": 1024, "height": 700})
    open_form(page, shared_server, project)
    page.wait_for_selector(".page .zoom canvas")
    image = page.locator(".page .zoom img").first
    page.wait_for_function("document.querySelector('.page .zoom img').getBoundingClientRect().height > 380")
    assert page.locator(".page .picture:visible").count() == 0
    box = image.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -240)
    page.keyboard.up("Control")
    page.wait_for_function(
        f"document.querySelector('.page .zoom img').getBoundingClientRect().height > {1.1 * box['height']}"
    )
    press(page, "z")  # what is a key of images elsewhere answers here
    assert chosen(page) == [CANNOT_TELL]
    submit(page)
    page.wait_for_selector("text=2 of 2")
    press(page, "q")
    submit(page)
    assert given(shared_server, project) == {f"{0:064x}": {1: [CANNOT_TELL]}, f"{1:064x}": {1: [PARTLY]}}


@pytest.mark.parametrize(("tiles", "count"), [(1, 1), (8, 8), (8, 1)])
def test_a_screen_of_1024_by_700_covers_nothing(page, shared_server, tiles, count):
    page.set_viewport_size({"width": 1024, "height": 700})
    open_form(page, shared_server, serve(shared_server, tiles, [count]))
    if count == 1:
        page.wait_for_selector(".page canvas")
    labels = page.query_selector_all(".page .ant-radio-wrapper:visible")
    pictures = page.query_selector_all(".page .picture:visible, .page .lsf-image")
    submits = page.query_selector_all("button:has-text('Submit')")
    assert (len(labels), len(pictures), len(submits)) == (5 * count, count, 1)
    parts = [
        *labels,
        *pictures,
        *submits,
        page.query_selector(".page .question"),
        page.query_selector(".page .references"),
    ]
    boxes = [part.bounding_box() for part in parts]
    for n, one in enumerate(boxes):
        assert one["x"] >= 0 and one["x"] + one["width"] <= 1024 and one["y"] + one["height"] <= 700
        for other in boxes[:n]:
            apart = (
                one["x"] >= other["x"] + other["width"] or other["x"] >= one["x"] + one["width"]
                or one["y"] >= other["y"] + other["height"] or other["y"] >= one["y"] + one["height"]
            )  # fmt: skip
            assert apart, (one, other)
    assert all(part.evaluate(IN_SIGHT) for part in [*labels, *submits])


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
