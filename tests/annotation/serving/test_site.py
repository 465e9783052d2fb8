"""What the pages take and refuse, with a real Label Studio behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fieldguide.annotation.correspondence import log as correspondence
from fieldguide.annotation.correspondence.log import QuestionReply, RulingReason
from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.annotation.judgments.log import current
from fieldguide.annotation.judgments.quarantine import read as quarantined
from fieldguide.annotation.label_studio.signup import new_account
from fieldguide.annotation.serving.visitors import key_of, with_keys
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.records.plan import PLAN, plan_rows
from tests.annotation.real_server import REPOSITORY
from tests.annotation.serving.conftest import Pages, answers_to, made

pytestmark = pytest.mark.slow

PLAINLY, PARTLY, NOT, CANNOT_TELL, BROKEN = read_guideline(REPOSITORY / "annotation" / "guidelines.md").choices


def first(pages: Pages, person: str) -> dict[str, Any]:
    page: dict[str, Any] = pages.client(person).get("/api/next").json()["pages"][0]
    return page


def test_an_answer_arrives_in_the_log_as_the_persons_own_and_a_second_one_supersedes_it(pages: Pages) -> None:
    ada, page = pages.client("ada"), first(pages, "ada")
    before = ada.get("/api/me").json()
    given = {"answers": answers_to(page, PLAINLY), "seconds": 8.0}
    after = ada.post(f"/api/pages/{page['key']}", json=given).json()["me"]
    count = len(given["answers"])
    assert (after["pages_left"], after["images_today"]) == (before["pages_left"] - 1, before["images_today"] + count)
    assert page["key"] not in [one["key"] for one in ada.get("/api/next").json()["pages"]]
    lines = [entry for entry in pages.pull() if entry.assessor == "ada"]
    assert {(entry.choice, entry.seconds) for entry in lines} == {(PLAINLY, 8.0 / count)}
    asked = {row.image_id for row in plan_rows(PLAN.read(pages.paths.asked)) if row.page_key == page["key"]}
    assert {entry.image_id for entry in lines} == asked
    assert ada.get(f"/api/pages/{page['key']}").json()["answers"] == given["answers"]
    assert ada.get("/api/answered").json() == [page["key"]]
    ada.post(f"/api/pages/{page['key']}", json={"answers": answers_to(page, NOT), "seconds": 2}).raise_for_status()
    lines = [entry for entry in pages.pull() if entry.assessor == "ada"]
    assert {entry.action for entry in lines[count:]} == {"superseded"}
    assert {entry.choice for entry in current(lines)} == {NOT}
    assert quarantined(pages.paths.quarantine) == []
    assert ada.get("/api/me").json()["images_today"] == after["images_today"]


def test_the_same_page_given_twice_at_once_is_one_annotation(pages: Pages) -> None:
    ben, page = pages.client("ben"), first(pages, "ben")
    body = {"answers": answers_to(page, PARTLY), "seconds": 1}
    for _ in range(2):
        ben.post(f"/api/pages/{page['key']}", json=body).raise_for_status()
    place = pages.site.state.board.places[page["key"]]
    assert len(pages.server.client().annotations.list(id=place.task)) == 1


def test_an_answer_whose_fate_is_unknown_is_not_doubled(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply is lost on its way: the browser sends the page again."""
    cleo, page = pages.client("cleo"), first(pages, "cleo")
    body = {"answers": answers_to(page, PARTLY), "seconds": 1}
    send = httpx.Client.request

    def lost(self: httpx.Client, method: str, *given: Any, **more: Any) -> httpx.Response:
        reply = send(self, method, *given, **more)
        if method == "POST" and "annotations" in str(reply.request.url):
            raise httpx.ReadError("the connection broke")
        return reply

    with monkeypatch.context() as patched:
        client = pages.site.posting._client("cleo")
        patched.setattr(client, "request", lambda *given, **more: lost(client, *given, **more))
        refused = cleo.post(f"/api/pages/{page['key']}", json=body)
    assert refused.status_code == 503 and "cannot be reached" in refused.json()["error"]
    cleo.post(f"/api/pages/{page['key']}", json=body).raise_for_status()
    place = pages.site.state.board.places[page["key"]]
    [kept] = pages.server.client().annotations.list(id=place.task)
    assert kept.lead_time == 1, "the time was counted twice"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "images without an answer: 1"),
        ("all", "images without an answer: 1"),
        ({"1": "wonderful"}, "not an answer"),
        ({"1": [PLAINLY]}, "not an answer"),
        ({"1": PLAINLY, "9": PLAINLY}, "not an answer to this page: 9"),
    ],
)
def test_what_is_no_answer_is_refused_in_words(pages: Pages, answers: Any, words: str) -> None:
    page = first(pages, "ben")
    if isinstance(answers, dict) and answers:
        answers = answers_to(page, NOT) | answers
    reply = pages.client("ben").post(f"/api/pages/{page['key']}", json={"answers": answers})
    assert reply.status_code == 422 and words in reply.json()["error"]


def test_a_question_is_kept_answered_and_no_judgment(pages: Pages) -> None:
    cleo, page = pages.client("cleo"), first(pages, "cleo")
    before = len(pages.pull())
    text = "Is <b>this</b> one?"
    asked = cleo.post("/api/questions", json={"page": page["key"], "position": 1, "flag": True, "text": text})
    asked.raise_for_status()
    [line] = correspondence.read(pages.paths.correspondence)
    assert line.said.by == "cleo" and line.said.model_dump()["image_id"] in page["images"][0]
    reply = QuestionReply(at="2026-11-30T10:00:00+00:00", by="manager", question=line.seq, faq=True, text="Yes & no")
    correspondence.append(pages.paths.correspondence, [reply])
    pages.site.refresh()
    [told] = cleo.get("/api/questions").json()
    assert (told["text"], told["flag"], told["replies"][0]["text"]) == (text, True, "Yes & no")
    assert pages.client("ada").get("/api/questions").json() == []
    html = pages.client("ada").get("/api/guidelines").json()["html"]
    assert "Is &lt;b&gt;this&lt;/b&gt; one?" in html and "Yes &amp; no" in html
    assert len(pages.pull()) == before


@pytest.mark.parametrize(
    "given", ['"position": 1.0, "text": "why"', '"position": true, "text": "why"', '"position": 1, "text": "\\ud800"']
)
def test_what_is_no_question_is_refused(pages: Pages, given: str) -> None:
    key, before = first(pages, "ada")["key"], correspondence.read(pages.paths.correspondence)
    body = f'{{"page": "{key}", {given}}}'
    ada = pages.client("ada")
    reply = ada.post("/api/questions", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 422 and reply.json()["error"]
    assert correspondence.read(pages.paths.correspondence) == before


def test_a_ruling_whose_answer_is_not_taken_says_its_reason_once(pages: Pages) -> None:
    site = pages.site
    row = next(row for row in site.state.board.now.rows if row.position == 1)
    for _ in range(2):
        site._give_reason("dora", row, PLAINLY, "the skin is in view", example=False)
    said = [
        line.said for line in correspondence.read(pages.paths.correspondence) if isinstance(line.said, RulingReason)
    ]
    assert [one.text for one in said] == ["the skin is in view"]


def test_only_those_who_judge_have_accounts_with_tokens(pages: Pages) -> None:
    accounts = pages.site.accounts.model_copy(update={"people": {"ada": new_account("ada")}})
    with pytest.raises(ProblemsError, match="ben: has no account"):
        with_keys(accounts, ["ben"])


@pytest.fixture(scope="module")
def paths_of_label_studio(pages: Pages) -> list[tuple[str, str]]:
    """Every method and path that the server's own description names."""
    reply = httpx.get(f"{pages.server.url}/docs/api/schema/", params={"format": "json"}, trust_env=False, timeout=60)
    methods = ("get", "post", "put", "patch", "delete")
    found = [(m, p) for p, item in reply.raise_for_status().json()["paths"].items() for m in item if m in methods]
    assert len(found) > 100
    return found


def test_nothing_of_label_studio_is_reached_with_an_assessors_key(
    pages: Pages, paths_of_label_studio: list[tuple[str, str]]
) -> None:
    ada, key = pages.client("ada"), key_of(pages.site.accounts, "ada")
    with httpx.Client(base_url=pages.server.url, headers={"Authorization": f"Token {key}"}, trust_env=False) as there:
        for method, path in [*paths_of_label_studio, ("get", "/data/local-files/?d=images"), ("get", "/user/login/")]:
            asked = path.replace("{", "").replace("}", "")
            assert ada.request(method, asked, json={}).status_code in (404, 405), (method, path)
        assert there.get("/api/projects/").status_code == 401
        assert there.get("/api/invite").status_code == 401


def test_with_an_assessors_key_only_the_own_pages_and_images_are_there(pages: Pages) -> None:
    ada, other = pages.client("ada"), first(pages, "ben")
    body = {"answers": answers_to(other, NOT), "seconds": 1}
    assert ada.get(f"/api/pages/{other['key']}").status_code == 409
    assert ada.post(f"/api/pages/{other['key']}", json=body).status_code == 409
    assert ada.post("/api/questions", json={"page": other["key"], "text": "?"}).status_code == 409
    assert ada.get("/manager").status_code == 403
    state = pages.site.state
    foreign = state.shown["ben"] - state.shown["ada"] - state.shown[""]
    for image in [*sorted(foreign)[:2], "0" * 16, "..%2F..%2Faccounts.json", "accounts.json"]:
        assert ada.get(f"/image/{image}").status_code == 404, image
    own = first(pages, "ada")["images"][0]
    assert ada.get(own).headers["content-type"] == "image/jpeg"
    assert pages.client("manager").get("/manager").text == "<p>figures"


def test_without_a_key_or_with_a_wrong_one_there_is_nothing(pages: Pages) -> None:
    stranger = pages.client(None)
    addresses = ("/api/me", "/api/next", "/api/questions", "/api/rulings", "/api/guidelines", "/manager", "/image/x")
    for address in addresses:
        assert stranger.get(address).status_code == 401, address
        assert stranger.get(address, headers={"authorization": "Bearer guess"}).status_code == 401
    assert stranger.post("/enter", json={"key": "guess"}).status_code == 401
    assert stranger.get("/").status_code == 200


def test_a_link_opens_the_pages_with_a_cookie_that_no_script_and_no_other_site_has(pages: Pages) -> None:
    ada = pages.client(None)
    reply = ada.post("/enter", json={"key": key_of(pages.site.accounts, "ada")})
    assert reply.json() == {"name": "ada", "role": "assessor"}
    assert "HttpOnly" in reply.headers["set-cookie"] and "SameSite=strict" in reply.headers["set-cookie"]
    assert ada.get("/api/me").json()["name"] == "ada"
    ada.post("/leave", json={}).raise_for_status()
    assert ada.get("/api/me").status_code == 401


def test_what_other_sites_could_make_a_browser_send_is_refused(pages: Pages) -> None:
    ada, page = pages.client("ada"), first(pages, "ada")
    address = f"/api/pages/{page['key']}"
    assert ada.post(address, data={"answers": "x"}).status_code == 415
    assert ada.post(address, content=b"{", headers={"content-type": "application/json"}).status_code == 400
    assert ada.post(address, content=b"[]", headers={"content-type": "application/json"}).status_code == 400
    assert ada.post(address, json={"answers": "x" * 70_000}).status_code == 413
    assert ada.get("/api/me", headers={"host": "evil.example"}).status_code == 400
    reply = ada.get("/")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.fixture(scope="module")
def trained(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Pages with training before them: one round more after a failed one."""
    section = {"images": "annotation/training.csv", "pass_mark": 0.75, "rounds": 2}
    server, paths, params = made(tmp_path_factory.mktemp("trained"), training=section)
    rows = plan_rows(PLAN.read(paths.asked))
    some = list({row.image_id: row for row in rows if row.subtopic_id == rows[0].subtopic_id}.values())[:4]
    lines = [f"{row.subtopic_id},{row.image_id},{2 * (n % 2)},because {n}\n" for n, row in enumerate(some)]
    (paths.annotation / "training.csv").write_text("subtopic_id,image_id,grade,why\n" + "".join(lines))
    with server:
        yield Pages.of(server, paths, params)


def train(pages: Pages, person: str, *, well: bool) -> dict[str, Any]:
    """One page of training; what was told."""
    client, page = pages.client(person), first(pages, person)
    assert page["kind"] == "training"
    known = {image.image_id: image.grade for image in pages.site.state.training}
    right = {n: PLAINLY if known[pair[1]] else NOT for n, pair in enumerate(page["pairs"], 1)}
    wrong = {n: NOT if choice == PLAINLY else PLAINLY for n, choice in right.items()}
    answers = {str(n): choice for n, choice in (right if well else wrong).items()}
    reply = client.post(f"/api/training/{page['key']}", json={"answers": answers})
    told: dict[str, Any] = reply.raise_for_status().json()
    return told


def test_real_pages_come_when_a_round_of_training_is_passed(trained: Pages) -> None:
    told = train(trained, "ada", well=False)
    assert [image["right"] for image in told["images"]] == [False] * 4
    assert {image["why"] for image in told["images"]} == {f"because {n}" for n in range(4)}
    assert told["training"]["round"] == 2 and not told["training"]["held"]
    told = train(trained, "ada", well=True)
    assert told["training"]["passed"] and first(trained, "ada")["kind"] == "page"
    lines = [line.said for line in correspondence.read(trained.paths.correspondence)]
    assert [line.model_dump()["right"] for line in lines] == [False] * 4 + [True] * 4


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", "holds no image"),
        ("t99.e1,{image},2,why\n", "of no subtopic of the topics or no image of the corpus"),
        ("{subtopic},0123456789abcdef,2,why\n", "of no subtopic of the topics or no image of the corpus"),
        ("{subtopic},{image},9,why\n", "not valid training"),
    ],
)
def test_training_that_nobody_can_be_shown_is_named_and_the_old_stays(trained: Pages, rows: str, words: str) -> None:
    path, known = trained.paths.annotation / "training.csv", trained.site.state.training
    before = path.read_text()
    path.write_text(
        "subtopic_id,image_id,grade,why\n" + rows.format(subtopic=known[0].subtopic_id, image=known[0].image_id)
    )
    with pytest.raises(FieldguideError, match=words):
        trained.site.refresh()
    path.write_text(before)
    assert trained.site.state.training == known


def test_whoever_fails_all_rounds_waits_for_the_manager(trained: Pages) -> None:
    for _ in range(2):
        train(trained, "ben", well=False)
    ben = trained.client("ben")
    assert ben.get("/api/next").json()["pages"] == []
    assert ben.get("/api/me").json()["training"]["held"] and trained.site.held == ["ben"]
    assert ben.post("/api/training/training-3", json={"answers": {}}).status_code == 409


@pytest.fixture(scope="module")
def picked(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """A page of all images of a subtopic."""
    server, paths, params = made(tmp_path_factory.mktemp("picked"), page=30, form="pick")
    with server:
        yield Pages.of(server, paths, params)


def test_a_page_of_thumbnails_is_one_task_and_arrives_whole(picked: Pages) -> None:
    ada, page = picked.client("ada"), first(picked, "ada")
    assert page["form"] == "pick" and page["none"] == NOT
    answers = answers_to(page, NOT) | {"1": PLAINLY}
    ada.post(f"/api/pages/{page['key']}", json={"answers": answers, "seconds": 5}).raise_for_status()
    lines = picked.pull()
    assert len(lines) == len(answers) and [entry.choice for entry in lines].count(PLAINLY) == 1
