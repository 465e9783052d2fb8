"""What a real server holds when people leave, join or have no account, and when guidelines or pages change midway."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fieldguide.annotation.form.task import result_of
from fieldguide.annotation.judgments import labels, log
from fieldguide.annotation.label_studio.accounts import read_accounts, write_accounts
from fieldguide.annotation.label_studio.projects import Project, find_projects
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.standing import look
from fieldguide.annotation.status import status_of
from fieldguide.cli.views.annotate import status_lines
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.plan import PLAN, PlanRow, plan_rows
from tests.annotation.planned_benchmark import keys_there, planned
from tests.annotation.real_server import LabelStudioServer

pytestmark = pytest.mark.slow

ELSEWHERE = {"kind": "http", "address": "https://images.example/"}
NOT = "not-visible"


@dataclass
class Site:
    """A benchmark of its own on a server that others use too."""

    server: LabelStudioServer
    paths: Paths
    annotate: Annotate
    name: str
    excluded: Mapping[str, str] = field(default_factory=dict)

    @property
    def annotation(self) -> Annotation:
        return Annotation(self.paths, self.annotate, self.name, excluded=self.excluded)

    def change(self, **keys: Any) -> None:
        """As a manager who edits params.yaml."""
        self.annotate = Annotate.model_validate(self.annotate.model_dump() | keys)

    def round(self) -> None:
        """What a manager does after a change."""
        self.annotation.pull()
        self.annotation.plan()
        self.annotation.push()

    def projects(self) -> list[Project]:
        return find_projects(self.server.client(), self.name)

    def number(self, person: str) -> int:
        (project,) = [one.id for one in self.projects() if one.assessor == person]
        return project

    def keys(self, person: str) -> set[str]:
        """Pages that are before a person on the server."""
        return set(keys_there(self.server.client(), self.number(person)))

    def rows(self) -> list[PlanRow]:
        return plan_rows(PLAN.read(self.paths.asked))

    def pages_of(self, person: str, keys: Collection[str]) -> list[PlanRow]:
        """Rows of a person's pages."""
        return [row for row in self.rows() if row.assessor == person and row.page_key in keys]

    def tasks(self, person: str) -> list[Any]:
        """Tasks before a person."""
        return list(self.server.client().tasks.list(project=self.number(person), page_size=500, fields="all"))

    def answer(self, person: str, pages: int) -> list[str]:
        """Answer as many pages that nobody has answered, in their order; their keys."""
        client, given = self.server.client(person), []
        for task in self.tasks(person):
            if not task.total_annotations and len(given) < pages:
                shown = len(task.data["items"])
                client.annotations.create(task.id, result=result_of(dict.fromkeys(range(1, shown + 1), NOT)))
                given.append(task.data["page_key"])
        return given

    def holds(self, person: str) -> set[str]:
        """Task keys that the log has of a person."""
        return {entry.key for entry in log.current(log.read(self.paths.judgments).entries) if entry.assessor == person}


@pytest.fixture
def site(shared_server: LabelStudioServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    paths, params = planned(tmp_path / "benchmark", name=name, images=ELSEWHERE)
    write_accounts(paths, shared_server.accounts)
    yield Site(shared_server, paths, params.annotate, name)


@pytest.mark.parametrize("ask", ["push", "dry", "look"])
def test_nothing_is_pushed_while_anybody_who_is_asked_has_no_account(site: Site, ask: str) -> None:
    accounts = read_accounts(site.paths)
    lost = accounts.people["ben"].model_copy(update={"user_id": 987654})
    write_accounts(site.paths, accounts.model_copy(update={"people": accounts.people | {"ben": lost}}))
    site.change(assessors=["ada", "ben", "erin", "fay"])
    with pytest.raises(ProblemsError) as refused:
        look(site.annotation) if ask == "look" else site.annotation.push(dry=ask == "dry")
    assert [(p.where, p.what) for p in refused.value.problems] == [
        ("ben", "has an account that the server does not know"),
        ("erin", "has no account"),
        ("fay", "has no account"),
    ]
    assert "`fieldguide label-studio start` makes accounts" in str(refused.value)
    assert site.projects() == []


def test_a_log_that_suffices_needs_no_accounts(site: Site) -> None:
    site.annotation.push()
    for person in site.annotate.assessors:
        site.answer(person, 500)
    assert look(site.annotation).enough
    write_accounts(site.paths, read_accounts(site.paths).model_copy(update={"people": {}}))
    standing = look(site.annotation)
    assert standing.enough
    assert any("has no account" in note for note in standing.notes)


@pytest.mark.parametrize("ask", ["push", "dry", "look"])
def test_nothing_is_pushed_while_the_log_holds_the_data_sets_labels(site: Site, ask: str) -> None:
    subtopics = site.annotation.now().subtopics
    log.write(
        site.paths.judgments, labels.judge(POOLS.read(site.paths.pools), subtopics, IMAGES.read(site.paths.images))
    )
    with pytest.raises(
        FieldguideError, match=r"holds the data set's labels.*delete this one, and set adjudicate.judge"
    ):
        look(site.annotation) if ask == "look" else site.annotation.push(dry=ask == "dry")
    assert site.projects() == []
    with pytest.raises(FieldguideError, match="holds the data set's labels"):
        site.annotation.pull()


def test_who_leaves_is_asked_no_more_and_comes_back_to_the_own_pages(site: Site) -> None:
    site.annotation.push()
    whole = site.keys("cleo")
    given = set(site.answer("cleo", 3))
    site.change(assessors=["ada", "ben"])
    site.annotation.push()  # before anybody pulled what cleo gave
    assert site.keys("cleo") == given
    site.round()
    judged = {row.task_key for row in site.rows() if row.page_key in given}
    assert site.holds("cleo") == judged
    assert site.keys("cleo") == given
    status = status_of(site.annotation)
    (gone,) = status.coverage.gone
    assert (gone.assessor, gone.judged, gone.asked) == ("cleo", len(judged), len(site.pages_of("cleo", whole)))
    assert f"cleo left: {len(judged)} of {gone.asked} judgments are in" in " ".join(status_lines(status))
    assert status.coverage.asked + gone.judged == status.progress.work.planned
    assert {"cleo"} == {p.name for p in status.progress.people} - set(site.annotate.assessors)
    assert {effort.assessor for effort in status.estimate.efforts} == {"ada", "ben"}
    assert overlaps(site) == {site.annotate.overlap}
    site.change(assessors=["ada", "ben", "cleo"])
    site.round()
    assert site.keys("cleo") == whole
    assert site.holds("cleo") == judged
    assert not set(site.answer("cleo", 500)) & given
    site.round()
    assert site.holds("cleo") == {row.task_key for row in site.rows() if row.page_key in whole}
    assert status_of(site.annotation).coverage.gone == ()


def overlaps(site: Site) -> set[int]:
    """How many people each pair has who judged it or are asked now."""
    held = {(e.subtopic_id, e.image_id, e.assessor) for e in log.read(site.paths.judgments).entries}
    there = held | {(*row.pair, row.assessor) for row in site.rows() if row.assessor in site.annotate.assessors}
    return set(Counter((subtopic, image) for subtopic, image, _ in there).values())


def test_a_clarification_reaches_pages_that_were_pushed_before(site: Site) -> None:
    site.annotation.push()
    before, pages = {one.assessor: one.id for one in site.projects()}, site.keys("ada")
    old, given = site.annotation.now().guideline.version, site.answer("ada", 2)
    site.annotation.pull()
    path = site.paths.annotation / "guidelines.md"
    path.write_text(path.read_text().replace(f"version: {old}", "version: clearer-2") + "\nA net is no packaging.\n")
    site.change(overlap=3)  # so that there is more to ask, by the new version
    site.annotation.plan()
    notes = site.annotation.push().notes
    assert {row.guideline for row in site.rows()} == {old, "clearer-2"}
    assert {one.assessor: one.id for one in site.projects()} == before
    assert {one.guideline for one in site.projects()} == {"clearer-2"}
    for name, number in before.items():
        shown = site.server.client().projects.get(number)
        assert "A net is no packaging." in (shown.expert_instruction or "")
        assert shown.description is not None and shown.description.count("fieldguide-project") == 1
        assert any(f"· {name}): shows the guidelines clearer-2 from now on, before it was {old}" in n for n in notes)
    assert len(notes) == 3
    assert pages < site.keys("ada") == {row.page_key for row in site.rows() if row.assessor == "ada"}
    again = site.annotation.push()
    assert (again.created, again.removed, again.notes) == (0, 0, ())
    site.answer("ada", 500)
    site.annotation.pull()
    judged = [e for e in log.current(log.read(site.paths.judgments).entries) if e.assessor == "ada"]
    assert {e.key for e in judged} == {row.task_key for row in site.rows() if row.assessor == "ada"}
    first = [e for e in judged if e.key in {row.task_key for row in site.pages_of("ada", given)}]
    assert {e.guideline for e in first} == {old}
    assert not site.paths.quarantine.exists()


def test_two_projects_by_versions_that_go_together_become_one(site: Site) -> None:
    site.annotation.push()
    (first,) = [one for one in site.projects() if one.assessor == "ada"]
    client = site.server.client()
    found = client.projects.get(first.id)
    path = site.paths.annotation / "guidelines.md"
    path.write_text(path.read_text().replace(f"version: {first.guideline}", "version: clearer-2"))
    mark = (found.description or "").replace(first.guideline, "clearer-2")
    second = client.projects.create(title="ada's second", description=mark, label_config=found.label_config)
    tasks = client.tasks.list(project=first.id, page_size=500, fields="all").items or []
    client.projects.import_tasks(second.id, request=[{"data": task.data} for task in tasks[:3]])
    copy = min(task.id for task in client.tasks.list(project=second.id, page_size=500))
    site.server.client("ada").annotations.create(copy, result=result_of({1: NOT}))
    site.annotation.push()
    assert keys_there(client, second.id) == [tasks[0].data["page_key"]]
    assert keys_there(client, first.id) == [task.data["page_key"] for task in tasks[1:]]


def test_pages_of_another_size_get_a_form_of_their_own_and_none_moves(site: Site) -> None:
    site.annotation.push()
    grid, wide = site.number("ada"), site.keys("ada")
    given = site.answer("ada", 1)
    site.change(page=1, overlap=3)
    site.round()
    sizes = Counter(row.page_key for row in site.rows() if row.assessor == "ada" and row.page_key not in wide)
    single = {key for key, size in sizes.items() if size == 1}
    wide |= sizes.keys() - single  # pages of several images that are asked again
    ours = {one.group: one for one in site.projects() if one.assessor == "ada"}
    assert ours["judge"].id == grid and set(ours) == {"judge", "judge-singly"}
    assert ours["judge-singly"].title.endswith(" · ada (one by one)")
    client = site.server.client()
    there = {group: set(keys_there(client, one.id)) for group, one in ours.items()}
    assert there == {"judge": wide, "judge-singly": single}
    forms = {group: client.projects.get(one.id).label_config or "" for group, one in ours.items()}
    assert {group: form.count(' name="grade') for group, form in forms.items()} == {"judge": 4, "judge-singly": 1}
    assert ['zoomControl="true"' in forms[group] for group in ("judge", "judge-singly")] == [False, True]
    for page in (1, 4):
        site.change(page=page)
        again = site.annotation.push()
        assert (again.created, again.removed, again.notes) == (0, 0, ())
    task = (client.tasks.list(project=ours["judge-singly"].id, page_size=1, fields="all").items or [])[0]
    site.server.client("ada").annotations.create(task.id, result=result_of({1: NOT}))
    site.annotation.pull()
    pages = {*given, task.data["page_key"]}
    assert site.holds("ada") == {row.task_key for row in site.rows() if row.page_key in pages}
    assert not site.paths.quarantine.exists()


def test_who_is_excluded_is_asked_no_more_and_others_are_asked_the_same(site: Site) -> None:
    site.annotation.push()
    asked = {row.pair for row in site.rows() if row.assessor == "cleo"}
    for person in ("ada", "cleo"):
        site.answer(person, 500)
    site.annotation.pull()
    before = site.paths.judgments.read_bytes()
    assert site.holds("cleo")
    site.excluded = {"cleo": "clicked on without looking"}
    site.round()
    assert site.paths.judgments.read_bytes() == before
    now = site.annotation.now()
    asked_now = {pair: set[str]() for pair in asked}
    for row in now.rows:
        if row.assessor in ("ada", "ben"):
            asked_now.setdefault(row.pair, set()).add(row.assessor)
    assert set(map(len, asked_now.values())) == {2}
    words = "cleo is excluded (adjudicate.excluded), "
    status = status_of(site.annotation)
    assert [line for line in status_lines(status) if line.startswith(words)] == [str(status.excluded[0])]
    assert [one.name for one in status.progress.people] == ["ada", "ben"]
    assert status.coverage.gone == ()
    assert any(note.startswith(words) for note in look(site.annotation).notes)
    for person in ("ada", "ben"):
        site.answer(person, 500)
    assert look(site.annotation).enough
    site.excluded = {}
    assert [one.name for one in status_of(site.annotation).progress.people] == ["ada", "ben", "cleo"]


def test_nobody_is_excluded_whom_nobody_knows_or_whose_place_nobody_takes(site: Site) -> None:
    site.excluded = {"cloe": "slip of the pen"}
    with pytest.raises(ProblemsError, match="cloe: nobody of that name is asked or has judged; known: ada, ben, cleo"):
        site.annotation.push()
    site.excluded = {"ben": "too fast", "cleo": "too fast"}
    with pytest.raises(FieldguideError, match=r"overlap is 2, and 1 assessors are left beside those of adjudicate"):
        look(site.annotation)
    assert site.projects() == []
