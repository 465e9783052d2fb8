"""Pulling again and again from a real server: what people judge is in the log without anybody calling pull."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldguide.annotation.judgments import log
from fieldguide.annotation.lock import judgments_locked
from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError
from fieldguide.params import read_params
from tests.annotation.real_server import LabelStudioServer
from tests.annotation.served_plan import CHOICES, serve, small_plan
from tests.annotation.simulated import Annotator, evenly_wrong
from tests.people import Site, make_site


def until(true: Callable[[], bool], what: str) -> None:
    """Wait until it is so; no test rests on how long that takes."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(f"a minute went by without {what}")


@dataclasses.dataclass
class Polled:
    """`fieldguide annotate pull --every 1` as a user starts it, in a process of its own."""

    site: Site
    server: LabelStudioServer
    projects: dict[str, int]
    ada: Annotator
    process: subprocess.Popen[bytes]

    @property
    def said(self) -> str:
        return (self.site.folder / "said.txt").read_text()

    def has_said(self, words: str) -> None:
        until(lambda: words in self.said or self.process.poll() is not None, f"`{words}` being said")
        assert words in self.said, self.said

    def in_log(self) -> dict[str, str | None]:
        path = self.site.paths.judgments
        entries = log.read(path).entries if path.exists() else ()
        return {entry.key: entry.choice for entry in log.current(entries) if entry.assessor == "ada"}


@pytest.fixture
def polled(migrated: Path, tmp_path: Path) -> Iterator[Polled]:
    site = make_site(
        tmp_path / "site", ("pool", "adjudicate"), assessors=["ada", "ben", "cleo"], adjudicator="dora", overlap=2
    )
    params = read_params(site.folder / "params.yaml")
    with LabelStudioServer.fresh(site.folder, params) as server:
        plan = small_plan(params, subtopics=3, images=8)
        projects = serve(server, plan)
        truth = dict.fromkeys(plan["task_key"], CHOICES[0])
        ada = Annotator("ada", server.accounts, evenly_wrong(CHOICES, 0.2), truth)
        command = [sys.executable, "-m", "fieldguide.cli.main", "annotate", "pull", "--every", "1"]
        with (site.folder / "said.txt").open("w") as stream:
            process = subprocess.Popen(
                command, cwd=site.folder, env=site.environment, stdout=stream, stderr=subprocess.STDOUT
            )
        try:
            yield Polled(site, server, projects, ada, process)
        finally:
            process.kill()
            process.wait(60)


@pytest.mark.slow
def test_what_is_judged_is_in_the_log_and_only_news_is_told(polled: Polled) -> None:
    polled.has_said("0 judgments new")
    polled.ada.judge(polled.projects["ada"], pages=2)
    until(lambda: polled.in_log() == polled.ada.given, "the judgments in the log")
    polled.ada.delete(next(iter(polled.ada.annotations.values())))
    polled.has_said("4 withdrawn")
    told = polled.said
    with judgments_locked(polled.site.paths, wait=True):
        held = polled.in_log()
        polled.ada.judge(polled.projects["ada"], pages=1)
        time.sleep(3)  # it would have pulled by now
        assert polled.in_log() == held and polled.process.poll() is None
        assert polled.said == told, "there was nothing to tell"
    until(lambda: set(polled.in_log()) > set(held), "the judgments given while another command was at work")
    polled.process.send_signal(signal.SIGINT)
    assert polled.process.wait(60) == 0, polled.said
    assert polled.said.endswith("takes over what is given from now on\n")
    assert "Traceback" not in polled.said


@pytest.mark.slow
def test_a_server_that_goes_away_is_told_once_and_asked_until_it_answers(polled: Polled) -> None:
    polled.has_said("0 judgments new")
    polled.server.kill()
    polled.has_said("this is tried again until it succeeds")
    time.sleep(5)  # more rounds that fail
    polled.server.restart()
    polled.has_said("the server answers again")
    assert polled.said.count("this is tried again") == 1
    polled.ada.judge(polled.projects["ada"], pages=1)
    until(lambda: polled.in_log() == polled.ada.given, "the judgments in the log")


@pytest.mark.parametrize("option", ["--json", "--accept-withdrawals"])
def test_what_a_person_decides_each_time_does_not_go_with_polling(option: str) -> None:
    done = CliRunner().invoke(app, ["annotate", "pull", "--every", "5", option])
    assert isinstance(done.exception, FieldguideError)
    assert str(done.exception) == "--every goes neither with --accept-withdrawals nor with --json: pull once for these"
