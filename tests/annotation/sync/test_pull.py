"""Pull from a real server: what the log holds afterwards is what people gave, whatever somebody did in between."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldguide.annotation.form.task import result_of
from fieldguide.annotation.judgments import log, quarantine
from fieldguide.annotation.label_studio import settings
from fieldguide.annotation.sync.pull import Pulled, pull
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked
from tests.annotation.real_server import LabelStudioServer, people_params
from tests.annotation.served_plan import CHOICES, serve, small_plan, tasks
from tests.annotation.simulated import Annotator, evenly_wrong

pytestmark = pytest.mark.slow


@dataclasses.dataclass
class Site:
    """A server with pages for three assessors and the adjudicator."""

    server: LabelStudioServer
    projects: dict[str, int]
    people: dict[str, Annotator]

    def pull(self, **options: bool) -> Pulled:
        return pull(
            self.server.client(),
            self.server.paths,
            self.server.params.annotate,
            self.server.params.release.name,
            **options,
        )

    def entries(self) -> tuple[log.LogEntry, ...]:
        return log.read(self.server.paths.judgments).entries

    def holds(self) -> dict[tuple[str, str], str | None]:
        return {(e.assessor, e.key): e.choice for e in log.current(self.entries())}

    def given(self) -> dict[tuple[str, str], str]:
        return {(name, key): choice for name, person in self.people.items() for key, choice in person.given.items()}

    def reasons(self) -> list[str]:
        return sorted(line["reason"] for line in quarantine.read(self.server.paths.quarantine))


@contextlib.contextmanager
def site_in(folder: Path, page: int) -> Iterator[Site]:
    params = people_params(
        page=page, overlap=2, gold=None, gold_share=0, repeat_share=0, images={"kind": "local-files"}
    )
    with LabelStudioServer.fresh(folder, params) as server:
        plan = small_plan(params, subtopics=3, images=8, adjudicate=1)
        projects = serve(server, plan)
        truth = {key: CHOICES[int(key[:4], 16) % 3] for key in plan["task_key"]}
        people = {
            name: Annotator(name, server.accounts, evenly_wrong(CHOICES, 0.2), truth, seed=3)
            for name in ("ada", "ben", "cleo", "dora")
        }
        yield Site(server, projects, people)


@pytest.fixture
def site(migrated: Path, tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path / "benchmark", page=4) as site:
        yield site


def test_a_server_that_caps_its_lists_is_read_to_their_end(
    migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings._SETTINGS, "TASK_API_PAGE_SIZE_MAX", "4")
    with site_in(tmp_path / "benchmark", page=2) as site:
        site.people["ada"].judge(site.projects["ada"], pages=5)
        assert site.pull().judged == 10
        for name, person in site.people.items():
            person.judge(site.projects[name])
        site.pull()
        assert site.holds() == site.given() and len(site.given()) == 49
        assert site.pull(full=True).read > 4 * len(site.people)


def test_what_people_give_is_in_the_log_once_and_a_second_pull_appends_nothing(site: Site) -> None:
    site.people["ada"].judge(site.projects["ada"], pages=1)
    first = site.pull()
    assert (first.judged, first.whole, first.quarantined) == (4, True, 0)
    for name, person in site.people.items():
        person.judge(site.projects[name])
    second = site.pull()
    assert (second.judged, second.superseded, second.withdrawn, second.whole) == (45, 0, 0, False)
    assert site.holds() == site.given() and len(site.given()) == 49
    before = site.server.paths.judgments.read_bytes()
    third = site.pull()
    assert third.appended == 0 and not third.whole and third.notes == ()
    (site.server.paths.annotation_state / "pull.json").unlink()
    fourth = site.pull()
    assert fourth.appended == 0 and fourth.whole and fourth.read == 13
    assert site.server.paths.judgments.read_bytes() == before
    entry = next(e for e in site.entries() if e.assessor == "dora")
    assert (entry.role, entry.seconds, entry.sighted) == ("adjudicator", 2.0, False)
    assert {e.role for e in site.entries() if e.assessor != "dora"} == {"assessor"}


def test_a_changed_mind_supersedes_and_an_own_deletion_withdraws(site: Site) -> None:
    ada = site.people["ada"]
    first, second = (ada.next(site.projects["ada"]), None)
    assert first is not None
    number = ada.answer(first)
    second = ada.next(site.projects["ada"])
    assert second is not None
    gone = ada.answer(second)
    assert site.pull().judged == 8
    ada.change(number, result=result_of({1: CHOICES[0], 2: CHOICES[1], 3: CHOICES[2], 4: CHOICES[3]}))
    ada.delete(gone)
    told = site.pull()
    assert told.withdrawn == 4 and told.superseded == 4 - sum(
        ada.given[item["task_key"]] == CHOICES[n] for n, item in enumerate(first["data"]["items"])
    )
    keys = [item["task_key"] for item in first["data"]["items"]]
    assert site.holds() == {("ada", key): CHOICES[n] for n, key in enumerate(keys)}
    assert site.pull().appended == 0
    ada.answer(second)
    assert site.pull().judged == 4


def test_what_others_edit_and_delete_changes_nothing_in_the_log(site: Site) -> None:
    ada, ben = site.people["ada"], site.people["ben"]
    ada.judge(site.projects["ada"])
    site.pull()
    before = site.holds()
    numbers = list(ada.annotations.values())
    ben.change(numbers[0], result=result_of(dict.fromkeys(range(1, 5), "broken-image")))
    ben.change(numbers[1], completed_by=site.server.accounts.people["ben"].user_id)
    ben.delete(numbers[2])
    told = site.pull()
    assert told.appended == 0 and told.held == 4
    assert "deleted by ben, whose they are not" in " ".join(told.notes)
    assert site.reasons() == ["edited-by-another", "not-asked"]
    assert site.holds() == before
    assert site.pull().held == 4 and site.reasons() == ["edited-by-another", "not-asked"]
    accepted = site.pull(accept_withdrawals=True)
    assert accepted.withdrawn == 4 and site.pull().held == 0


def test_a_forged_author_an_unseen_edit_and_strange_choices_are_refused(site: Site) -> None:
    ada, ben = site.people["ada"], site.people["ben"]
    task, other = ada.next(site.projects["ada"]), ben.next(site.projects["ben"])
    assert task is not None and other is not None
    user = site.server.accounts.people["ada"].user_id
    forged = result_of(dict.fromkeys(range(1, 5), CHOICES[0]))
    reply = ben.http.post(
        f"/api/tasks/{task['id']}/annotations/", json={"result": forged, "completed_by": user, "updated_by": user}
    )
    reply.raise_for_status()
    ben.answer(other, {1: "splendid", 2: CHOICES[0]})
    ben.http.post(
        f"/api/tasks/{other['id']}/annotations/",
        json={"result": [{"from_name": "grade1", "type": "choices", "value": {"choices": CHOICES[:2]}}]},
    ).raise_for_status()
    ben.http.post(f"/api/tasks/{task['id']}/annotations/", json={"result": forged}).raise_for_status()
    told = site.pull()
    assert told.judged == 1
    assert site.reasons() == ["edited-by-another", "not-asked", "second-annotation", "unknown-choice"]
    assert site.pull().quarantined == 0
    text = site.server.paths.quarantine.read_text()
    assert "@" not in text and "Token" not in text


def test_most_of_what_somebody_gave_gone_at_once_is_held_and_a_deleted_project_takes_nothing(site: Site) -> None:
    ada, ben = site.people["ada"], site.people["ben"]
    ada.judge(site.projects["ada"])
    ben.judge(site.projects["ben"])
    site.pull()
    before = site.holds()
    for number in ada.annotations.values():
        ada.delete(number)
    site.server.client().projects.delete(site.projects["ben"])
    told = site.pull()
    assert told.appended == 0 and told.held == 16 and told.gone == 16
    assert site.holds() == before
    assert any("16 of 16 judgments gone at once, more than 10" in note for note in told.notes)
    assert any("16 judgments come from tasks that are not on the server any more" in note for note in told.notes)
    ada.judge(site.projects["ada"])
    healed = site.pull()
    assert healed.appended == 0 and healed.held == 0 and site.holds() == before


def test_duplicated_tasks_give_one_judgment(site: Site) -> None:
    client, ada = site.server.client(), site.people["ada"]
    rows = small_plan(site.server.params, subtopics=3, images=8)
    client.projects.import_tasks(site.projects["ada"], request=tasks(rows[rows["assessor"] == "ada"]))
    assert ada.judge(site.projects["ada"]) == 8
    told = site.pull()
    assert told.judged == 16 and site.reasons() == ["second-annotation"] * 4
    assert site.holds() == site.given()
    client.actions.create(
        id="remove_duplicates", project=site.projects["ada"], selected_items={"all": True, "excluded": []}
    )
    assert site.pull(full=True).appended == 0


def test_a_task_that_shows_something_else_is_refused(site: Site) -> None:
    ada = site.people["ada"]
    first = ada.next(site.projects["ada"])
    assert first is not None
    ada.answer(first)
    second = ada.next(site.projects["ada"])
    assert second is not None
    data = dict(second["data"])
    data["tile1"], data["tile2"] = data["tile2"], data["tile1"]
    ada.http.patch(f"/api/tasks/{second['id']}/", json={"data": data}).raise_for_status()
    ada.answer(second)
    assert site.pull().judged == 4 and site.reasons() == ["page-changed"]


def test_an_annotation_of_which_its_task_knows_nothing_is_found(site: Site) -> None:
    """As a server leaves it that dies between writing an annotation and noting so in its task."""
    ada = site.people["ada"]
    task = ada.next(site.projects["ada"])
    assert task is not None
    ada.answer(task)
    assert site.pull().judged == 4
    [path] = site.server.paths.annotation_state.rglob("label_studio.sqlite3")
    with sqlite3.connect(path) as base:
        columns = [row[1] for row in base.execute("PRAGMA table_info(task_completion)")]
        kept = ", ".join(name for name in columns if name not in ("id", "task_id", "unique_id"))
        base.execute(f"INSERT INTO task_completion (task_id, {kept}) SELECT task_id + 1, {kept} FROM task_completion")
    told = site.pull()
    assert told.judged == 4 and site.pull().appended == 0


def test_two_pulls_at_once_and_a_broken_chain_stop(site: Site) -> None:
    site.people["ada"].judge(site.projects["ada"])
    with (
        locked(site.server.paths.annotation_state / "pull.lock"),
        pytest.raises(FieldguideError, match="held by another process"),
    ):
        site.pull()
    site.pull()
    path = site.server.paths.judgments
    path.write_text(path.read_text().replace(CHOICES[0], CHOICES[1], 1))
    with pytest.raises(FieldguideError, match="the log was changed here"):
        site.pull()
