"""From the pool to the report with a real Label Studio, DVC, and simulated people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.guidelines import read_guideline
from fieldguide.annotation.judgments.log import current
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.params import read_params
from fieldguide.records.judgments import QRELS
from fieldguide.records.plan import PLAN
from fieldguide.runtime.builds.waiting import Patience
from tests.annotation.conftest import label_studio_executable, migrated  # noqa: F401  (fixtures)
from tests.annotation.real_server import LabelStudioServer
from tests.annotation.simulated import Annotator, evenly_wrong
from tests.people import Site, make_site, truth

pytestmark = pytest.mark.slow

PEOPLE = ("ada", "ben", "cleo", "dora")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = make_site(
        tmp_path / "site", ("pool", "adjudicate", "rerank", "check", "evaluate", "report"),
        assessors=["ada", "ben", "cleo"], adjudicator="dora", overlap=2, repeat_share=0.1,
        stopping={"rule": "consecutive", "count": 4, "wave": 1},
    )  # fmt: skip
    yield site


def everybody_judges(site: Site, server: LabelStudioServer, wrong: float) -> int:
    """All that is served: assessors err, the adjudicator does not."""
    plan, choose = PLAN.read(site.paths.asked), truth(site)
    true = {row.task_key: choose(row.subtopic_id, row.image_id) for row in plan.itertuples(index=False)}
    choices = ["plainly-visible", "not-visible"]
    pages = 0
    for project in find_projects(server.client(), server.params.release.name):
        rate = 0.0 if project.group == "adjudicate" else wrong
        person = Annotator(project.assessor, server.accounts, evenly_wrong(choices, rate), true, seed=5)
        pages += person.judge(project.id)
    return pages


def build(site: Site, expected: int, **environment: str) -> str:
    done = site.run("fieldguide.cli.main", "build", check=False, **environment)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_build_asks_waits_through_kills_and_ends_with_qrels_and_a_report(site: Site, migrated: Path) -> None:  # noqa: F811
    with LabelStudioServer.fresh(site.folder, read_params(site.folder / "params.yaml")) as server:
        said = build(site, Patience.EXIT_WAITS, FIELDGUIDE_TRACK="1")
        assert "watch this build at" in said
        assert "a stopping rule may end" in said
        assert everybody_judges(site, server, wrong=0.25) > 0

        server.kill()
        said = build(site, 1)
        assert "the build waits, but people could not be asked" in said
        assert "cannot be reached" in said
        server.restart()

        rounds = 0
        while site.run("fieldguide.cli.main", "build", check=False).returncode == Patience.EXIT_WAITS:
            assert everybody_judges(site, server, wrong=0.25) > 0, "it waits for nobody"
            rounds += 1
            assert rounds < 20
        assert rounds > 1  # waves of a stopping rule, then disputes
        built(site)
        manage(site)


def built(site: Site) -> None:
    """What the build made rests on what people said, and on nothing else."""
    entries = log.read(site.paths.judgments).entries
    plan, qrels = PLAN.read(site.paths.asked), QRELS.read(site.paths.qrels / "qrels.parquet")
    asked = set(zip(plan["assessor"], plan["task_key"], strict=True))
    assert {(entry.assessor, entry.key) for entry in entries} <= asked
    assert {entry.assessor for entry in entries} == set(PEOPLE)
    assert set(zip(qrels["subtopic_id"], qrels["image_id"], strict=True)) == {
        (entry.subtopic_id, entry.image_id) for entry in current(entries)
    }
    assert "adjudicator" in set(qrels["decided_by"])
    assert site.paths.report.stat().st_size > 10_000
    grades = json.loads((site.paths.qrels / "grades.json").read_text())
    assert grades["guidelines"] == [read_guideline(site.paths.annotation / "guidelines.md").version]
    assert grades["log"] == {"lines": len(entries), "head": entries[-1].hash}


def manage(site: Site) -> None:
    """The manager's commands, when everything is in."""
    before = site.paths.judgments.read_bytes()
    assert ": 0 judgments new, 0 superseded, 0 withdrawn" in site.run("fieldguide.cli.main", "annotate", "pull").stdout
    assert " 0 put there, 0 removed" in site.run("fieldguide.cli.main", "annotate", "push").stdout
    status = json.loads(site.run("fieldguide.cli.main", "annotate", "status", "--json").stdout)
    assert {person["name"] for person in status["progress"]["people"]} == set(PEOPLE)
    assert (status["stale"], status["offline"]) == (False, None)
    assert sum(one["not_pulled"] for one in status["live"]) == 0
    told = site.run("fieldguide.cli.main", "annotate", "status", "--topics").stdout
    assert "0 answered pages are on the server and not pulled" in told
    summary = json.loads(site.run("fieldguide.cli.main", "annotate", "agreement", "--json").stdout)
    assert 0 < summary["agreement"]["overall"]["nominal"]["value"] < 1
    closed = site.run("fieldguide.cli.main", "annotate", "close").stdout
    assert "its chain verifies" in closed
    assert "next: fieldguide build" in closed
    assert "all projects were closed already" in site.run("fieldguide.cli.main", "annotate", "close").stdout
    assert site.run("fieldguide.cli.main", "annotate", "close", "--reopen").stdout.count("open again: ") == 4
    assert site.paths.judgments.read_bytes() == before


def test_nothing_is_closed_while_judgments_are_missing_and_it_says_whose(site: Site, migrated: Path) -> None:  # noqa: F811
    site.run("dvc", "repro", "pool")
    with LabelStudioServer.fresh(site.folder, read_params(site.folder / "params.yaml")) as server:
        told = site.run("fieldguide.cli.main", "annotate", "plan", "--dry-run").stdout
        assert "would be added to the plan" in told
        assert not site.paths.asked.exists()
        planned = json.loads(site.run("fieldguide.cli.main", "annotate", "plan", "--json").stdout)
        assert planned["new"] == len(PLAN.read(site.paths.asked))
        assert json.loads(site.run("fieldguide.cli.main", "annotate", "plan", "--json").stdout)["new"] == 0
        told = site.run("fieldguide.cli.main", "annotate", "push", "--dry-run").stdout
        assert "would be put there" in told
        assert find_projects(server.client(), server.params.release.name) == []
        site.run("fieldguide.cli.main", "annotate", "push")
        everybody_judges(site, server, wrong=0.25)
        waiting = site.run("fieldguide.cli.main", "annotate", "status").stdout
        assert "not pulled; `fieldguide annotate pull`" in waiting
        assert "0 answered pages" not in waiting
        refused = site.run("fieldguide.cli.main", "annotate", "close", check=False)
        assert refused.returncode == 1
        assert "not closed, judgments are missing" in refused.stderr
        assert "ben: " in refused.stderr
        assert log.read(site.paths.judgments).entries  # but what there was is pulled
        told = site.run("fieldguide.cli.main", "annotate", "adjudicate", "--partial").stdout
        assert "disputes put to dora" in told
        assert "closed: " in site.run("fieldguide.cli.main", "annotate", "close", "--incomplete").stdout
        everybody_judges(site, server, wrong=0.25)
        site.run("fieldguide.cli.main", "annotate", "pull")
        site.run("fieldguide.cli.main", "annotate", "adjudicate")
        assert "is closed; " in site.run("fieldguide.cli.main", "annotate", "push").stdout


def test_without_a_server_what_needs_none_works_and_the_rest_says_so(site: Site) -> None:
    site.run("dvc", "repro", "pool")
    site.run("fieldguide.cli.main", "annotate", "plan")
    assert (
        "from the log alone; the server was not asked" in site.run("fieldguide.cli.main", "annotate", "status").stdout
    )
    for command in ("push", "pull", "close", "adjudicate"):
        refused = site.run("fieldguide.cli.main", "annotate", command, check=False)
        assert (refused.returncode, "Traceback" in refused.stderr) == (1, False), command
        assert "fieldguide label-studio start" in refused.stderr, command
    nobody = site.run("fieldguide.cli.main", "annotate", "agreement", check=False)
    assert "nobody has judged yet" in nobody.stderr
