"""The worst: a server killed twenty times, a pull killed while it writes, people who do harm, projects deleted.

Whatever the server acknowledged must end in the log, once, as it was given; the log's chain must verify after every
blow; and the next push and pull must heal what can be healed and name what cannot.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest

from fieldguide.annotation.form.task import result_of
from fieldguide.annotation.judgments import log, quarantine
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.annotation.label_studio.tasks import list_tasks
from fieldguide.annotation.sync.pull import Pulled, pull
from fieldguide.annotation.sync.push import Pushed, push
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.records.plan import PLAN, PlanRow, plan_rows
from tests.annotation.planned_benchmark import planned
from tests.annotation.real_server import ASSESSORS, REPOSITORY, LabelStudioServer
from tests.annotation.served_plan import CHOICES
from tests.annotation.simulated import Annotator, evenly_wrong

pytestmark = pytest.mark.slow

KILLS = {"push": 6, "annotation": 8, "pull": 6}


@dataclasses.dataclass
class Site:
    """A benchmark with a plan of some hundred pages, its server, and three people."""

    server: LabelStudioServer
    paths: Paths
    params: Params
    rows: list[PlanRow]
    people: dict[str, Annotator]

    def push(self) -> Pushed:
        return push(self.server.client(), self.paths, self.params.annotate, self.params.release.name)

    def pull(self, **options: bool) -> Pulled:
        return pull(self.server.client(), self.paths, self.params.annotate, self.params.release.name, **options)

    def project(self, name: str) -> int:
        return next(p.id for p in find_projects(self.server.client(), self.params.release.name) if p.assessor == name)

    def served(self) -> list[str]:
        client = self.server.client()
        projects = find_projects(client, self.params.release.name)
        return sorted(str(task.page_key) for project in projects for task in list_tasks(client, project.id))

    def pages(self) -> list[str]:
        return sorted({row.page_key for row in self.rows})

    def entries(self) -> tuple[log.LogEntry, ...]:
        return log.read(self.paths.judgments).entries if self.paths.judgments.exists() else ()

    def holds(self) -> dict[tuple[str, str], str | None]:
        return {(e.assessor, e.key): e.choice for e in log.current(self.entries())}

    def given(self) -> dict[tuple[str, str], str]:
        return {(name, key): choice for name, person in self.people.items() for key, choice in person.given.items()}

    def sent(self) -> dict[tuple[str, str], str]:
        return {(name, key): choice for name, person in self.people.items() for key, choice in person.sent.items()}

    def everything(self) -> dict[tuple[str, str], str]:
        """What the log holds when everybody has answered all they were asked."""
        return {(row.assessor, row.task_key): self.people[row.assessor].choose(row.task_key) for row in self.rows}

    def judge_all(self) -> None:
        for name, person in self.people.items():
            person.judge(self.project(name))


def site_in(root: Path, page: int) -> Iterator[Site]:
    paths, params = planned(root, page=page, images={"kind": "http", "address": "https://images.example/"})
    rows = plan_rows(PLAN.read(paths.asked))
    truth = {row.task_key: CHOICES[int(row.task_key[:4], 16) % 3] for row in rows}
    with LabelStudioServer.fresh(root, params) as server:
        people = {name: Annotator(name, server.accounts, evenly_wrong(CHOICES, 0.2), truth) for name in ASSESSORS}
        yield Site(server, paths, params, rows, people)


@pytest.fixture
def site(migrated: Path, tmp_path: Path) -> Iterator[Site]:
    yield from site_in(tmp_path / "benchmark", page=4)


@pytest.fixture
def large_site(migrated: Path, tmp_path: Path) -> Iterator[Site]:
    yield from site_in(tmp_path / "benchmark", page=2)


def struck(site: Site, seconds: float, *work: Callable[[], object]) -> bool:
    """Do things at once and kill the server meanwhile; whether something was cut off. Then start it again."""
    cut: list[Exception] = []

    def run(one: Callable[[], object]) -> None:
        try:
            one()
        except (FieldguideError, httpx.HTTPError) as error:
            cut.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    killer = threading.Timer(seconds, site.server.kill)
    for thread in [*threads, killer]:
        thread.start()
    for thread in [*threads, killer]:
        thread.join()
    site.server.restart()
    return bool(cut)


def test_a_server_killed_twenty_times_loses_and_doubles_nothing(large_site: Site) -> None:
    site = large_site
    rng = np.random.default_rng(20)
    cut = dict.fromkeys(KILLS, 0)
    for number in range(KILLS["push"]):
        cut["push"] += struck(site, rng.uniform(0.05, 1.2), site.push)
        if number % 2:  # have the next push something to do: nobody has judged yet
            for project in find_projects(site.server.client(), site.params.release.name)[:2]:
                site.server.client().projects.delete(project.id)
    site.push()
    assert site.served() == site.pages()
    again = site.push()
    assert (again.created, again.removed, again.notes) == (0, 0, ())

    names = list(site.people)
    for number in range(KILLS["annotation"]):
        work = [lambda name=name: site.people[name].judge(site.project(name), pages=12) for name in names]
        cut["annotation"] += struck(site, rng.uniform(0.2, 2.0), *work)
        if number % 3 == 0:
            site.pull()
            assert site.given().items() <= site.holds().items() <= site.sent().items()
    for _ in range(KILLS["pull"]):
        for name in names:
            site.people[name].judge(site.project(name), pages=4)
        before = site.entries()
        cut["pull"] += struck(site, rng.uniform(0.0, 0.5), site.pull)
        assert site.entries()[: len(before)] == before
        site.pull()
        assert site.given().items() <= site.holds().items() <= site.sent().items()

    site.judge_all()
    site.pull()
    assert site.holds() == site.everything()
    assert len(site.entries()) == len(site.rows), "each was appended once"
    assert quarantine.read(site.paths.quarantine) == []
    site.push()
    assert site.served() == site.pages() and site.pull(full=True).appended == 0
    assert all(cut.values()), f"the blows fell beside the work: {cut}"


DYING = """
import json, os, signal, sys
from pathlib import Path
from fieldguide.annotation.sync import pull as module
from fieldguide.annotation.label_studio.accounts import read_accounts
from fieldguide.annotation.label_studio.client import connect
from fieldguide.params import parse_params
from fieldguide.core.paths import Paths
writes, torn = int(sys.argv[3]), int(sys.argv[4])
def fsync(number, real=os.fsync):
    global writes
    writes -= 1
    if not writes:
        os.ftruncate(number, os.fstat(number).st_size - torn)
        os.kill(os.getpid(), signal.SIGKILL)
    real(number)
os.fsync = fsync
module._BATCH = 60
places = Paths(Path(sys.argv[1]))
params = parse_params(json.loads(Path(sys.argv[2]).read_text()))
module.pull(connect(read_accounts(places)), places, params.annotate, params.release.name)
"""


def test_a_pull_killed_while_it_writes_loses_and_doubles_nothing(site: Site, tmp_path: Path) -> None:
    site.push()
    site.judge_all()
    script = tmp_path / "dying.py"
    script.write_text(DYING)
    values = tmp_path / "params.json"
    values.write_text(site.params.model_dump_json(exclude_none=False))
    held = 0
    for writes, torn in [(1, 0), (1, 200), (2, 17), (2, 700), (1, 1)]:
        done = subprocess.run(
            [sys.executable, str(script), str(site.paths.root), str(values), str(writes), str(torn)],
            cwd=REPOSITORY, env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == -9, done.stderr
        now = site.holds()
        assert now.items() <= site.given().items() and len(now) == len(site.entries())
        assert len(now) >= held
        held = len(now)
    assert held > 0
    told = site.pull()
    assert told.judged == len(site.rows) - held
    assert site.holds() == site.everything() and len(site.entries()) == len(site.rows)
    assert site.pull().appended == 0


def test_a_server_that_is_away_changes_nothing_and_says_what_to_do(site: Site) -> None:
    site.push()
    site.people["ada"].judge(site.project("ada"), pages=3)
    site.pull()
    before = site.paths.judgments.read_bytes()
    client = site.server.client()
    site.server.stop()
    with pytest.raises(FieldguideError, match="cannot be reached") as told:
        pull(client, site.paths, site.params.annotate, site.params.release.name)
    assert "fieldguide label-studio start" in str(told.value)
    with pytest.raises(FieldguideError, match="cannot be reached"):
        push(client, site.paths, site.params.annotate, site.params.release.name)
    assert site.paths.judgments.read_bytes() == before
    site.server.restart()
    assert site.pull().appended == 0 and site.push().created == 0


def test_people_who_do_harm_are_named_and_the_rest_heals(site: Site) -> None:
    site.push()
    ada, ben, cleo = site.people.values()
    ada.judge(site.project("ada"), pages=10)
    ben.judge(site.project("ben"), pages=6)
    site.pull()
    before = site.holds()
    pages = list(ada.annotations)

    for page in pages[:3]:  # others' answers changed and deleted, by somebody who was not asked
        cleo.change(ada.annotations[page], result=result_of({1: CHOICES[4], 2: CHOICES[4]}))
    for page in pages[3:6]:
        cleo.delete(ada.annotations[page])
    task = cleo.next(site.project("cleo"))
    assert task is not None
    keys = [item["task_key"] for item in task["data"]["items"]]
    right = {n: cleo.choose(key) for n, key in enumerate(keys, 1)}
    cleo.answer(task, {**right, 1: "wonderful"})  # a label outside the form
    site.server.client().projects.delete(site.project("ben"))
    _copy(site, "cleo", [row.page_key for row in site.rows if row.assessor == "cleo"][-12:])

    told = site.pull()
    assert site.holds() == before | {("cleo", key): right[n] for n, key in enumerate(keys, 1) if n > 1}
    assert told.withdrawn == told.superseded == 0
    assert _named(told.notes, "deleted by cleo, whose they are not", "not on the server any more")
    reasons = [line["reason"] for line in quarantine.read(site.paths.quarantine)]
    assert sorted(reasons) == ["edited-by-another"] * 3 + ["unknown-choice"]

    pushed = site.push()
    assert pushed.removed > 0 and pushed.created > 0
    cleo.change(cleo.annotations[task["data"]["page_key"]], result=result_of(right))
    for page in pages[:3]:
        rows = [row for row in site.rows if row.page_key == page]
        ada.change(ada.annotations[page], result=result_of({r.position: ada.choose(r.task_key) for r in rows}))
    site.judge_all()
    healed = site.pull()
    assert healed.held == healed.withdrawn == healed.superseded == 0
    assert site.holds() == site.everything() and len(site.entries()) == len(site.rows)
    assert site.pull().appended == 0


def _copy(site: Site, name: str, pages: Sequence[str]) -> None:
    """Import pages of a project once more, as a person with an export at hand might."""
    client, project = site.server.client(), site.project(name)
    reply = client.tasks.list(project=project, page_size=1000, fields="task_only")
    data = [{"data": task.data} for task in reply.items or [] if task.data["page_key"] in pages]
    assert data
    client.projects.import_tasks(project, request=data)


def _named(notes: Sequence[str], *words: str) -> bool:
    return all(any(word in note for note in notes) for word in words)
