"""Weeks of annotation in one test: training, questions, a clarification, somebody leaves, somebody joins, rulings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fieldguide.annotation.correspondence import log as correspondence
from fieldguide.annotation.correspondence.log import AssessorQuestion, QuestionReply, RulingReason, TrainingAnswer
from fieldguide.annotation.dashboard.figures import dashboard_figures
from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.annotation.judgments.quarantine import read as quarantined
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.serving.visitors import with_keys
from fieldguide.annotation.standing import look
from fieldguide.records.plan import PLAN, PlanRow, plan_rows
from tests.annotation.planned_benchmark import params_of
from tests.annotation.real_server import REPOSITORY
from tests.annotation.serving.conftest import Pages, made

pytestmark = pytest.mark.slow

PLAINLY, PARTLY, NOT, CANNOT_TELL, BROKEN = read_guideline(REPOSITORY / "annotation" / "guidelines.md").choices
TRAINING = {"images": "annotation/training.csv", "pass_mark": 0.75, "rounds": 2}


@dataclass
class Campaign:
    """What people did, as the test remembers it: all that the log must hold.

    Attributes:
        pages: of the benchmark.
        said: choice by (person, task_key), the last one given.
        clock: minutes since the beginning; every page takes one, every look an hour.
    """

    pages: Pages
    said: dict[tuple[str, str], str] = field(default_factory=dict)
    clock: int = 0

    def time(self) -> datetime:
        self.clock += 1
        return datetime(2026, 11, 2, 9, self.clock % 60, tzinfo=UTC)

    def people(self, **annotate: Any) -> None:
        """Change the section annotate of params.yaml, and see to the accounts, as whoever manages would."""
        server = self.pages.server
        server.params = self.pages.params = params_of("tiny", **annotate)
        accounts = with_keys(server.restart(), server.params.annotate.people)
        annotation = Annotation(self.pages.paths, server.params.annotate, server.params.release.name)
        self.pages.site.refresh(annotation, accounts)
        self.look()

    def look(self) -> None:
        """What `annotate serve` does beside the pages; then nothing may be lost, and all must add up."""
        look(self.pages.site.annotation)
        self.pages.site.refresh()
        self.check()

    def judge(self, person: str, most: int = 100) -> int:
        """Judge the pages that are before a person, at most so many; how many there were."""
        client, given = self.pages.client(person), 0
        while given < most and (shown := client.get("/api/next").raise_for_status().json()["pages"]):
            for page in shown[: most - given]:
                rows = self.rows(page["key"])
                answers = {str(n): opinion(person, row) for n, row in enumerate(rows, 1)}
                body = {"answers": answers, "seconds": 3.0 * len(rows)}
                if person == "dora":
                    body |= {"reason": f"the skin of {rows[0].image_id} shows it", "example": given == 0}
                client.post(f"/api/pages/{page['key']}", json=body).raise_for_status()
                self.said |= {(person, row.task_key): answers[str(n)] for n, row in enumerate(rows, 1)}
                given += 1
        return given

    def train(self, person: str, *, well: bool = True) -> dict[str, Any]:
        """One round of training; the state after it."""
        client, known = self.pages.client(person), {i.pair: i.grade for i in self.pages.site.state.training}
        state: dict[str, Any] = {}
        for _ in range(len(known)):
            page = client.get("/api/next").json()["pages"][0]
            assert page["kind"] == "training", "real pages came before the round was over"
            right = [PLAINLY if known[tuple(pair)] else NOT for pair in page["pairs"]]
            answers = {str(n): choice if well else CANNOT_TELL for n, choice in enumerate(right, 1)}
            state = client.post(f"/api/training/{page['key']}", json={"answers": answers}).json()["training"]
            if state["passed"] or state["answered"] == 0:
                break
        return state

    def rows(self, key: str) -> list[PlanRow]:
        rows = [row for row in plan_rows(PLAN.read(self.pages.paths.asked)) if row.page_key == key]
        return sorted(rows, key=lambda row: row.position)

    @property
    def entries(self) -> tuple[LogEntry, ...]:
        path = self.pages.paths.judgments
        return log.read(path).entries if path.exists() else ()

    def check(self) -> None:
        """The log holds what was said, no more and no less, and every total is the sum of its parts."""
        held = {(e.assessor, e.key): e.choice for e in current(self.entries)}
        assert held == self.said
        assert quarantined(self.pages.paths.quarantine) == []
        now = self.pages.site.annotation.now()
        judged, coverage = Counter(person for person, _ in held), now.coverage
        asked = {(row.assessor, row.task_key) for row in now.rows if row.purpose != "adjudicate"}
        there = {name: [a for a in asked if a[0] == name] for name in now.annotate.assessors}
        for share in coverage.assessors:
            given = sum(key in held for key in there[share.assessor])
            assert (share.asked, share.judged) == (len(there[share.assessor]), given)
        assert coverage.judged == sum(judged[name] for name in now.annotate.assessors)
        assert coverage.asked == coverage.judged + coverage.left - (
            coverage.adjudicator.left if coverage.adjudicator else 0
        )
        for person in coverage.people:
            me = self.pages.client(person.assessor).get("/api/me").json()
            if me["training"] is None or me["training"]["passed"]:
                assert me["images_left"] == person.left - person.later
        self.figures_are_the_logs(judged)
        projects = Counter(p.assessor for p in find_projects(self.pages.server.client(), "tiny") if not p.closed)
        assert set(projects.values()) <= {1}, "somebody has two open projects"

    def figures_are_the_logs(self, judged: Counter[str]) -> None:
        """The manager's page, beside what the test remembers: `judged` by person."""
        paths, annotation = self.pages.paths, self.pages.site.annotation
        lines = correspondence.read(paths.correspondence)
        found = dashboard_figures(annotation.now(), lines, annotation.benchmark)
        shown = {person.name: person.work for person in found.progress.people}
        assert {name: work.done for name, work in shown.items() if work and work.done} == dict(judged)
        assert Counter({day.person: day.images for day in found.days}) == Counter(e.assessor for e in self.entries)
        assert (found.lines, found.coverage) == (len(self.entries), annotation.now().coverage)
        rulings = {key for person, key in self.said if person == "dora"}
        assert sum(topic.settled for topic in found.disputes) == len(rulings)
        rounds = Counter((one.said.by, one.said.round) for one in lines if isinstance(one.said, TrainingAnswer))
        assert {(one.person, one.round): one.answered for one in found.training} == dict(rounds)
        assert len(found.questions) == sum(isinstance(line.said, AssessorQuestion) for line in lines)


def opinion(person: str, row: PlanRow) -> str:
    """What a person says of an image: mostly what is so, not always; dora is right."""
    truth = (PLAINLY, NOT, NOT, PARTLY)[int(row.image_id[-2:], 16) % 4]
    differs = person != "dora" and (int(row.image_id[:2], 16) + len(person) + ord(person[0])) % 3 == 0
    return CANNOT_TELL if differs else truth


@pytest.fixture
def campaign(migrated: Path, tmp_path: Path) -> Iterator[Campaign]:
    server, paths, params = made(tmp_path, training=TRAINING)
    rows = plan_rows(PLAN.read(paths.asked))
    some = list({row.image_id: row for row in rows if row.subtopic_id == rows[0].subtopic_id}.values())[:4]
    lines = [f"{row.subtopic_id},{row.image_id},{2 * (n % 2)},because {n}\n" for n, row in enumerate(some)]
    (paths.annotation / "training.csv").write_text("subtopic_id,image_id,grade,why\n" + "".join(lines))
    with server:
        yield Campaign(Pages.of(server, paths, params))


def test_weeks_with_people_who_learn_ask_leave_and_join(campaign: Campaign) -> None:
    pages = campaign.pages
    # Nobody judges before they have learnt; who fails once tries again.
    assert campaign.train("ada")["passed"] and campaign.train("ben")["passed"]
    assert not campaign.train("cleo", well=False)["passed"]
    assert campaign.train("cleo")["passed"]
    for person in ("ada", "ben", "cleo"):
        assert campaign.judge(person, 2) == 2
    campaign.look()
    assert not {e.choice for e in campaign.entries} <= {CANNOT_TELL}, "nobody could tell anything"

    # A question goes to whoever manages, and the reply to whoever asked, and to everybody.
    ada = pages.client("ada")
    page = ada.get("/api/next").json()["pages"][0]
    ada.post("/api/questions", json={"page": page["key"], "position": 1, "flag": False, "text": "Is a stalk skin?"})
    [asked] = pages.client("ada").get("/api/questions").json()
    line = correspondence.read(pages.paths.correspondence)[-1]
    reply = QuestionReply(at="2026-11-03T08:00:00+00:00", by="manager", question=line.seq, faq=True, text="It is not.")
    correspondence.append(pages.paths.correspondence, [reply])
    campaign.look()
    assert asked["replies"] == [] and ada.get("/api/questions").json()[0]["replies"][0]["text"] == "It is not."
    assert "It is not." in pages.client("ben").get("/api/guidelines").json()["html"]
    assert pages.client("ben").get("/api/questions").json() == []

    # The guidelines are made clearer: pages that are out already are judged by the new words.
    path = pages.paths.annotation / "guidelines.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("version: feature-1", "version: feature-2").replace("# Cases", "A stalk is none.\n\n# Cases")
    )
    campaign.look()
    for person in ("ada", "ben", "cleo"):
        assert pages.client(person).get("/api/me").json()["guideline"] == "feature-2"
        assert "A stalk is none." in pages.client(person).get("/api/guidelines").json()["html"]
        assert campaign.judge(person, 1) == 1
    campaign.look()

    # ben leaves; what he gave stays, what he did not is asked of others. eve joins, and learns first.
    before = [e for e in current(campaign.entries) if e.assessor == "ben"]
    campaign.people(assessors=["ada", "cleo", "eve"], training=TRAINING)
    assert [e for e in current(campaign.entries) if e.assessor == "ben"] == before and before
    assert pages.client("eve").get("/api/next").json()["pages"][0]["kind"] == "training"
    assert campaign.train("eve")["passed"]
    for _ in range(3):
        for person in ("ada", "cleo", "eve"):
            campaign.judge(person)
        campaign.look()
    assert pages.site.annotation.now().coverage.judged == pages.site.annotation.now().coverage.asked

    # Where they differ, dora decides and says why; whoever judged the image reads it, without names.
    [note] = [n for p in pages.client("dora").get("/api/next").json()["pages"][:1] for n in [p["votes"]]]
    assert "ada" not in str(note) and "cleo" not in str(note)
    assert campaign.judge("dora") > 0
    campaign.look()
    rulings = pages.client("ada").get("/api/rulings").json()
    assert rulings and all(r["reason"].startswith("the skin of") for r in rulings)
    reasons = [
        one.said for one in correspondence.read(pages.paths.correspondence) if isinstance(one.said, RulingReason)
    ]
    assert len(reasons) == sum(person == "dora" for person, _ in campaign.said)
    assert reasons[0].image_id in pages.client("eve").get("/api/guidelines").json()["html"]

    coverage = pages.site.annotation.now().coverage
    assert coverage.left == 0 and coverage.enough(1.0)
    assert all(pages.client(name).get("/api/next").json()["pages"] == [] for name in ("ada", "cleo", "eve", "dora"))
