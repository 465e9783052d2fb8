"""Push to a real server: it holds the plan's due pages, once each, whatever it held before."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from fieldguide.annotation.form.task import result_of
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.annotation.label_studio import projects
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.annotation.label_studio.tasks import import_tasks
from fieldguide.annotation.planning.disputes import disputed
from fieldguide.annotation.planning.pages import pages_of
from fieldguide.annotation.planning.section import Images
from fieldguide.annotation.progress.excluded_images import read_excluded
from fieldguide.annotation.progress.snapshot import read_snapshot
from fieldguide.annotation.sync import push as module
from fieldguide.annotation.sync.push import Pushed, plan_push, push
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.records.images import IMAGES
from fieldguide.records.plan import PLAN, PlanRow, plan_rows
from tests.annotation.planned_benchmark import keys_there, planned
from tests.annotation.real_server import LabelStudioServer

pytestmark = pytest.mark.slow

ELSEWHERE = {"kind": "http", "address": "https://images.example/"}


@dataclass
class Site:
    """A benchmark of its own on a server that others use too."""

    server: LabelStudioServer
    paths: Paths
    params: Params

    def push(self) -> Pushed:
        return push(self.server.client(), self.paths, self.params.annotate, self.params.release.name)

    def change(self, **annotate: Any) -> None:
        section = self.params.annotate.model_copy(update=annotate)
        self.params = self.params.model_copy(update={"annotate": section})

    def projects(self) -> dict[str, int]:
        """Number by assessor."""
        return {p.assessor: p.id for p in find_projects(self.server.client(), self.params.release.name)}

    def there(self) -> dict[str, list[str]]:
        """Page keys by assessor, in the order in which they are shown."""
        return {a: keys_there(self.server.client(), p) for a, p in self.projects().items()}

    def planned(self) -> dict[str, list[str]]:
        keys: dict[str, list[str]] = {}
        for page in sorted(pages_of(plan_rows(PLAN.read(self.paths.asked))).values(), key=lambda page: page.queue):
            keys.setdefault(page.mark[0], []).append(page.key)
        return keys

    def tasks(self, assessor: str) -> list[Any]:
        query = json.dumps({"ordering": ["tasks:id"]})
        return list(
            self.server.client().tasks.list(project=self.projects()[assessor], page_size=500, query=query).items
        )

    def answer(self, task: int, choice: str = "not-visible") -> None:
        self.server.client().annotations.create(task, result=result_of({1: choice}))

    def rows(self, assessor: str) -> list[PlanRow]:
        return [row for row in plan_rows(PLAN.read(self.paths.asked)) if row.assessor == assessor]

    def judge(self, rows: list[PlanRow], choice: str = "not-visible", grade: int | None = 0) -> None:
        """Straight into the log, as a pull would."""
        self.paths.judgments.parent.mkdir(parents=True, exist_ok=True)
        self.paths.judgments.touch()
        given = [
            Judgment(
                subtopic_id=r.subtopic_id, image_id=r.image_id, assessor=r.assessor, grade=grade, choice=choice,
                guideline=r.guideline, pass_=r.pass_,
            )
            for r in rows
        ]  # fmt: skip
        log.append(self.paths.judgments, given)


@pytest.fixture
def site(shared_server: LabelStudioServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    yield Site(shared_server, *planned(tmp_path / "benchmark", name=name, images=ELSEWHERE))


def nothing_to_do(pushed: Pushed) -> bool:
    return (pushed.created, pushed.removed, pushed.duplicates, pushed.notes) == (0, 0, 0, ())


def test_everybody_gets_their_pages_in_their_order_and_a_second_push_does_nothing(site: Site) -> None:
    first = site.push()
    assert site.there() == site.planned()
    assert first.created == sum(map(len, site.planned().values())) > 20
    assert sorted(p.assessor for p in first.projects) == ["ada", "ben", "cleo"]
    before = [[t.id for t in site.tasks(a)] for a in site.projects()]
    second = site.push()
    assert nothing_to_do(second)
    assert second.present == first.created
    assert [[t.id for t in site.tasks(a)] for a in site.projects()] == before


def test_a_dry_run_says_what_would_be_done_and_does_nothing(site: Site) -> None:
    would = plan_push(site.server.client(), site.paths, site.params.annotate, site.params.release.name)
    assert site.projects() == {}
    assert not site.paths.used_guidelines.exists()
    did = site.push()
    assert (would.created, would.present, would.removed) == (did.created, did.present, did.removed)
    site.server.client().tasks.delete(str(site.tasks("ada")[0].id))
    assert plan_push(site.server.client(), site.paths, site.params.annotate, site.params.release.name).created == 1
    assert len(site.tasks("ada")) == len(site.planned()["ada"]) - 1


def test_the_guidelines_are_kept_as_they_were_shown(site: Site) -> None:
    site.push()
    guidelines = site.paths.annotation / "guidelines.md"
    assert [p.read_text() for p in site.paths.used_guidelines.iterdir()] == [guidelines.read_text()]
    guidelines.write_text(guidelines.read_text() + "\nMore.\n")
    with pytest.raises(FieldguideError, match="give it a new `version`"):
        site.push()


def test_what_the_form_shows(site: Site) -> None:
    site.push()
    task, page = site.tasks("ada")[0], pages_of(plan_rows(PLAN.read(site.paths.asked)))[site.planned()["ada"][0]]
    assert [item["image_id"] for item in task.data["items"]] == [row.image_id for row in page.rows]
    assert f'src="https://images.example/{page.rows[0].image_id}"' in task.data["tile1"]
    assert task.data["references"].count("<img") == 2
    project = site.server.client().projects.get(site.projects()["ada"])
    assert (project.maximum_annotations, project.show_skip_button, project.show_instruction) == (1, False, True)
    assert not project.show_collab_predictions
    assert 'name="grade4"' in project.label_config and 'name="grade5"' not in project.label_config


def test_settings_that_somebody_changed_are_put_back_and_named(site: Site) -> None:
    site.push()
    client, number = site.server.client(), site.projects()["ben"]
    wanted = client.projects.get(number)
    client.projects.update(
        number, label_config=wanted.label_config.replace("not-visible", "relevant"), show_skip_button=True,
        expert_instruction="do as you like", sampling="Uniform sampling", description=f"Ben's.\n{wanted.description}",
    )  # fmt: skip
    notes = " ".join(site.push().notes)
    for setting in ("label_config", "show_skip_button", "expert_instruction", "sampling"):
        assert f"project {number} ({site.params.release.name[:44]} · ben): {setting} was not as" in notes
    now = client.projects.get(number)
    assert (now.label_config, now.sampling) == (wanted.label_config, wanted.sampling)
    assert now.description.startswith("Ben's.\n")
    assert nothing_to_do(site.push())


def test_a_project_is_found_again_where_somebody_rewrote_its_description(site: Site) -> None:
    site.push()
    before = site.projects()
    site.server.client().projects.update(before["ada"], description="fruit", title="My fruit")
    notes = site.push().notes
    assert ["the mark by which it is found" in note for note in notes] == [True]
    assert site.projects() == before
    assert site.server.client().projects.get(before["ada"]).description.startswith("fruit\n{")


def test_a_form_that_the_server_does_not_take_back_is_named(site: Site) -> None:
    site.push()
    client, number = site.server.client(), site.projects()["ada"]
    config = client.projects.get(number).label_config
    client.projects.update(number, label_config=config.replace('name="grade1"', 'name="mark1"'))
    part = {"from_name": "mark1", "to_name": "tile1", "type": "choices", "value": {"choices": ["not-visible"]}}
    client.annotations.create(site.tasks("ada")[0].id, result=[part])
    notes = site.push().notes
    assert len(notes) == 1 and "cannot be put back" in notes[0] and "mark1" in notes[0]


def test_copies_of_a_task_are_removed_where_untouched_and_named_where_answered(site: Site) -> None:
    site.push()
    first, second, third = site.tasks("ada")[:3]
    client, number = site.server.client(), site.projects()["ada"]
    client.projects.import_tasks(number, request=[{"data": t.data} for t in (first, first, second, third)])
    copies = site.tasks("ada")[-4:]
    for task in (copies[0], second, copies[2]):
        site.answer(task.id)
    pushed = site.push()
    assert (pushed.created, pushed.removed, pushed.duplicates) == (0, 3, 1)
    there = [task.id for task in site.tasks("ada")]
    assert first.id not in there and copies[0].id in there  # the answered copy is the page now
    assert {second.id, copies[2].id, third.id} <= set(there) and copies[3].id not in there
    assert len(pushed.notes) == 1 and f"tasks {copies[2].id} stay" in pushed.notes[0]


def test_a_copy_that_somebody_is_at_work_on_is_not_removed(site: Site) -> None:
    site.push()
    client, number = site.server.client(), site.projects()["ada"]
    client.projects.import_tasks(number, request=[{"data": site.tasks("ada")[0].data}])
    copy = site.tasks("ada")[-1].id
    http = client._client_wrapper.httpx_client
    assert http.request(f"api/tasks/{copy}/drafts", method="POST", json={"result": []}).status_code == 201
    assert site.push().removed == 0
    assert site.tasks("ada")[-1].id == copy


def test_deleted_tasks_are_made_anew_unless_the_log_holds_their_judgments(site: Site) -> None:
    site.push()
    first, second = site.planned()["ben"][:2]
    site.judge([row for row in site.rows("ben") if row.page_key == first])
    for task in site.tasks("ben")[:2]:
        site.server.client().tasks.delete(str(task.id))
    assert site.push().created == 1
    there = site.there()["ben"]
    assert first not in there and there[-1] == second and sorted(there) == sorted(site.planned()["ben"][1:])


def test_a_deleted_project_is_made_anew_with_what_is_not_judged(site: Site) -> None:
    site.push()
    first, *rest = site.planned()["cleo"]
    site.judge([row for row in site.rows("cleo") if row.page_key == first])
    site.server.client().projects.delete(site.projects()["cleo"])
    pushed = site.push()
    assert pushed.created == len(rest)
    assert site.there()["cleo"] == rest
    site.judge([row for row in site.rows("cleo") if row.page_key != first])
    site.server.client().projects.delete(site.projects()["cleo"])
    assert site.push().created == 0
    assert "cleo" not in site.projects()


def test_pages_of_others_and_tasks_of_strangers(site: Site) -> None:
    site.push()
    client, ada = site.server.client(), site.projects()["ada"]
    bens = [task.data for task in site.tasks("ben")[:2]]
    client.projects.import_tasks(ada, request=[{"data": d} for d in (*bens, bens[0] | {"page_key": "mine"})])
    answered, strange = (task.id for task in site.tasks("ada")[-2:])
    site.answer(answered)
    pushed = site.push()
    assert pushed.removed == 1
    assert [t.id for t in site.tasks("ada")][-2:] == [answered, strange]
    assert any(f"tasks {answered} are of no page that the plan has here" in note for note in pushed.notes)
    assert any(f"tasks {strange} are none of ours" in note for note in pushed.notes)


def test_a_second_project_goes_where_untouched_and_is_named_where_people_judged(site: Site) -> None:
    site.push()
    client, name = site.server.client(), site.params.release.name
    before = site.projects()
    for _ in range(2):
        found = client.projects.get(before["ada"])
        client.projects.create(title=found.title, description=found.description, label_config=found.label_config)
    empty, used = sorted(p.id for p in find_projects(client, name) if p.assessor == "ada")[1:]
    for number in (empty, used):
        client.projects.import_tasks(number, request=[{"data": task.data} for task in site.tasks("ben")[:3]])
    task = client.tasks.list(project=used, page_size=1, fields="task_only").items[0].id
    site.answer(task)
    notes = site.push().notes
    assert len(notes) == 2
    assert f"project {empty} " in notes[0] and "the later one was deleted" in notes[0]
    assert f"project {used} " in notes[1] and "people have judged in it" in notes[1]
    assert sorted(p.id for p in find_projects(client, name)) == sorted([*before.values(), used])
    assert len(keys_there(client, used)) == 1


def test_guesses_are_shown_on_sighted_pages_and_on_no_others(site: Site) -> None:
    shutil.rmtree(site.paths.root)
    guess = {"system": "visret", "share": 0.5, "relevant": 3}
    site.paths, site.params = planned(
        site.paths.root, name=site.params.release.name, images=ELSEWHERE, preannotation=guess
    )
    site.push()
    client, pages = site.server.client(), pages_of(plan_rows(PLAN.read(site.paths.asked)))
    assert client.projects.get(site.projects()["ada"]).show_collab_predictions
    shown = {task.data["page_key"]: task.predictions for task in site.tasks("ada")}
    assert {bool(p) for p in shown.values()} == {True, False}
    for key, predictions in shown.items():
        assert bool(predictions) == pages[key].rows[0].sighted
    run = pd.read_csv(site.paths.run("fullrank", "visret"), sep=" ", names=["s", "q", "i", "rank", "score", "n"])
    top = {(r.s, r.i) for r in run.itertuples() if r.rank <= 3}
    key = next(key for key, predictions in shown.items() if predictions)
    given = {p["from_name"]: p["value"]["choices"][0] for p in shown[key][0].result if p["from_name"] != "blank"}
    assert given == {
        f"grade{row.position}": "plainly-visible" if (row.subtopic_id, row.image_id) in top else "not-visible"
        for row in pages[key].rows
    }


def test_the_adjudicator_sees_what_was_said_and_not_by_whom(site: Site) -> None:
    pairs = {(r.subtopic_id, r.image_id) for r in site.rows("ada")} & {
        (r.subtopic_id, r.image_id) for r in site.rows("ben")
    }
    pair = min(pairs)
    for name, choice, grade in (("ada", "plainly-visible", 2), ("ben", "not-visible", 0)):
        site.judge([r for r in site.rows(name) if (r.subtopic_id, r.image_id) == pair], choice, grade)
    plan = PLAN.read(site.paths.asked)
    new = disputed(log.read(site.paths.judgments).entries, plan, site.params.annotate)
    PLAN.write(site.paths.asked, pd.concat([plan, new], ignore_index=True).astype(plan.dtypes.to_dict()))
    site.push()
    (task,) = site.tasks("dora")
    assert re.sub("<.*?>", "", task.data["votes"]) == "not-visible × 1, plainly-visible × 1"
    assert not {"ada", "ben"} & set(json.dumps(task.data).replace('"', " ").split())
    site.change(adjudicator=None)
    site.server.client().tasks.delete(str(task.id))
    assert site.push().created == 0  # nobody decides any more


def test_images_that_cannot_be_shown_leave_their_tile_blank_and_are_named(site: Site) -> None:
    page = pages_of(plan_rows(PLAN.read(site.paths.asked)))[site.planned()["ada"][0]]
    lost = page.rows[1].image_id
    table = IMAGES.read(site.paths.images)
    IMAGES.write(site.paths.images, table[table["image_id"] != lost].reset_index(drop=True))
    pushed = site.push()
    data = site.tasks("ada")[0].data
    assert data["tile2"] == "" and data["tile1"] and data["tile3"]
    assert [blank["value"] for blank in data["blanks"]] == ["2", "5", "6", "7", "8"]
    asked = {(r.subtopic_id, r.image_id) for name in ("ada", "ben", "cleo") for r in site.rows(name)}
    assert set(pushed.unshowable) == {pair for pair in asked if pair[1] == lost}
    assert f"image {lost} could not be shown: it is not in the corpus; nobody is asked" in " ".join(pushed.notes)
    assert read_excluded(site.paths.unshowable) == {lost: "it is not in the corpus"}
    again = site.push()
    assert (again.created, again.unshowable) == (0, pushed.unshowable)


def test_a_page_without_an_image_that_can_be_shown_is_not_asked(site: Site) -> None:
    key = site.planned()["ada"][0]
    lost = {row.image_id for row in pages_of(plan_rows(PLAN.read(site.paths.asked)))[key].rows}
    table = IMAGES.read(site.paths.images)
    IMAGES.write(site.paths.images, table[~table["image_id"].isin(lost)].reset_index(drop=True))
    site.push()
    assert key not in site.there()["ada"]
    assert key not in read_snapshot(site.paths, site.params.annotate).due


def test_a_closed_project_gets_nothing_until_it_is_opened_again(site: Site) -> None:
    site.push()
    client, name = site.server.client(), site.params.release.name
    client.tasks.delete(str(site.tasks("ada")[0].id))
    assert len(projects.close(client, name)) == 3
    assert projects.close(client, name) == []
    pushed = site.push()
    assert pushed.created == 0
    assert any("is closed; 1 due pages were not put there" in note for note in pushed.notes)
    projects.close(client, name, reopen=True)
    assert site.push().created == 1


def test_only_due_pages_go_out(site: Site) -> None:
    shutil.rmtree(site.paths.root)
    rule = {"rule": "consecutive", "count": 20, "wave": 1}
    site.paths, site.params = planned(site.paths.root, name=site.params.release.name, images=ELSEWHERE, stopping=rule)
    made = site.push().created
    assert 0 < made < sum(map(len, site.planned().values()))
    assert nothing_to_do(site.push())


def test_who_left_gets_nothing_new_and_keeps_what_was_answered_or_begun(site: Site) -> None:
    site.push()
    before, first, second, third, *_ = site.there()["cleo"], *site.tasks("cleo")
    site.change(assessors=["ada", "ben"])
    client = site.server.client()
    client.tasks.delete(str(first.id))
    site.answer(second.id)
    http = client._client_wrapper.httpx_client
    assert http.request(f"api/tasks/{third.id}/drafts", method="POST", json={"result": []}).status_code == 201
    pushed = site.push()
    assert (pushed.created, pushed.removed) == (0, len(before) - 3)
    assert site.there()["cleo"] == before[1:3]
    assert [f"tasks {third.id} were begun by who left" in note for note in pushed.notes] == [True]


def test_projects_of_guidelines_that_are_no_more_in_force_are_named(site: Site) -> None:
    site.push()
    path = site.paths.annotation / "guidelines.md"
    changed = (
        path.read_text().replace("version: ", "version: new-").replace("grade: 2", "grade: 3").replace('"2"', '"3"')
    )
    path.write_text(changed)
    pushed = site.push()
    assert pushed.created == 0
    assert len(pushed.notes) == 3 and all("no more in force" in note for note in pushed.notes)


def test_without_a_plan_there_is_nothing_to_push(site: Site) -> None:
    site.paths.asked.unlink()
    with pytest.raises(FieldguideError, match="`fieldguide annotate plan`"):
        site.push()


def test_one_push_at_a_time(site: Site) -> None:
    with (
        locked(site.paths.annotation_state / "push.lock"),
        pytest.raises(FieldguideError, match="held by another process"),
    ):
        site.push()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("what", ["/api/projects/", "/import"])
def test_an_answer_that_is_lost_doubles_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, moment: str, what: str
) -> None:
    client = site.server.client()
    http = client._client_wrapper.httpx_client.httpx_client
    send, lost = http.send, []

    def losing(request: httpx.Request, **options: Any) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith(what) and not lost:
            lost.append(request)
            if moment == "after":
                send(request, **options)
            raise httpx.ReadTimeout("lost", request=request)
        return send(request, **options)

    monkeypatch.setattr(http, "send", losing)
    if moment == "before":
        with pytest.raises(FieldguideError, match="no answer in time"):
            push(client, site.paths, site.params.annotate, site.params.release.name)
    push(client, site.paths, site.params.annotate, site.params.release.name)
    assert lost
    assert site.there() == site.planned()
    assert len(find_projects(client, site.params.release.name)) == 3


def test_images_inside_tasks_are_sent_by_the_byte(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH_CHARACTERS", 20_000)
    sent: list[int] = []

    def counting(client: Any, project: int, tasks: list[Any], keys: Any) -> None:
        sent.append(len(tasks))
        import_tasks(client, project, tasks, keys)

    monkeypatch.setattr(module, "import_tasks", counting)
    site.change(images=Images(kind="upload"))
    site.push()
    assert 1 < max(sent) < 10 < len(sent)
    assert site.there() == site.planned()
    assert site.tasks("ada")[0].data["tile1"].startswith('<img src="data:image/jpeg;base64,')
