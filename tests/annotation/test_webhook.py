"""A listener on a real server: what people judge is in the log without anybody calling pull."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fieldguide.annotation.label_studio.hints import HEADER
from fieldguide.annotation.label_studio.webhook import Callback, ensure_webhooks, path_of, remove_webhooks
from fieldguide.runtime.people.listen import Ear, listen
from pydantic import SecretStr
from typer.testing import CliRunner

from fieldguide.annotation.judgments import log
from fieldguide.annotation.label_studio.accounts import Account, Accounts, write_accounts
from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked
from fieldguide.core.paths import Paths
from fieldguide.params import read_params
from fieldguide.runtime.run import Run
from tests.annotation.label_studio import LabelStudioServer
from tests.annotation.serving import CHOICES, serve, small_plan
from tests.annotation.simulated import Annotator, evenly_wrong
from tests.builders import tiny_params
from tests.people import Site, make_site

# What `fieldguide annotate pull --listen` calls, with a shorter safety net.
IMPATIENT = """
from functools import partial
from fieldguide.params import read_params
from fieldguide.core.paths import Paths
from flows.cli import app
from flows.listen import Ear, listen
from flows.run import Run
listen(Run(read_params(), Paths()), Ear(every=0.2), partial(print, flush=True), longest=1)
"""


def until(true: Callable[[], bool], what: str) -> None:
    """Wait until it is so; no test rests on how long that takes."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(f"a minute went by without {what}")


class Listener:
    """A listener as a user starts it, in a process of its own."""

    def __init__(self, site: Site, *command: str) -> None:
        self.output = site.folder / "listener.txt"
        self.output.unlink(missing_ok=True)
        with self.output.open("w") as stream:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=site.folder, env=site.environment, stdout=stream,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self.output.read_text()

    def has_said(self, words: str, times: int = 1) -> None:
        until(lambda: self.said.count(words) >= times or self.process.poll() is not None, f"`{words}` being said")
        assert self.said.count(words) >= times, self.said

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@dataclasses.dataclass
class Desk:
    site: Site
    server: LabelStudioServer
    projects: dict[str, int]
    ada: Annotator

    @contextlib.contextmanager
    def listener(self, *command: str) -> Iterator[Listener]:
        listener = Listener(self.site, *command)
        try:
            yield listener
        finally:
            listener.process.kill()
            listener.process.wait(60)

    def in_log(self) -> dict[str, str | None]:
        path = self.site.paths.judgments
        entries = log.read(path).entries if path.exists() else ()
        return {entry.key: entry.choice for entry in log.current(entries) if entry.assessor == "ada"}

    def hooks(self) -> dict[int, int]:
        """Webhooks by project; more than one a project is an error."""
        found = self.server.client().webhooks.list()
        assert len({hook.project for hook in found}) == len(found)
        return {hook.project: hook.id for hook in found}


@pytest.fixture
def desk(migrated: Path, tmp_path: Path) -> Iterator[Desk]:
    site = make_site(
        tmp_path / "site", ("pool", "adjudicate"), assessors=["ada", "ben", "cleo"], adjudicator="dora", overlap=2
    )
    params = read_params(site.folder / "params.yaml")
    with LabelStudioServer.fresh(site.folder, params) as server:
        plan = small_plan(params, subtopics=3, images=8)
        projects = serve(server, plan)
        truth = dict.fromkeys(plan["task_key"], CHOICES[0])
        yield Desk(site, server, projects, Annotator("ada", server.accounts, evenly_wrong(CHOICES, 0.2), truth))


@pytest.mark.slow
def test_what_is_judged_is_in_the_log_and_a_killed_listener_leaves_nothing_double(desk: Desk) -> None:
    command = ("-m", "fieldguide.cli.main", "annotate", "pull", "--listen", "--every", "0.2")
    with desk.listener(*command) as first:
        first.has_said("0 judgments new")
        before = desk.hooks()
        assert sorted(before) == sorted(desk.projects.values())
        secrets = [hook.headers[HEADER] for hook in desk.server.client().webhooks.list()]
        assert len(set(secrets)) == 1 and secrets[0] not in first.said
        desk.ada.judge(desk.projects["ada"], pages=2)
        until(lambda: desk.in_log() == desk.ada.given, "the judgments in the log")
        first.has_said("judgments new", times=2)
        desk.ada.delete(next(iter(desk.ada.annotations.values())))
        first.has_said("4 withdrawn")
        refused = desk.site.run("fieldguide.cli.main", "annotate", "pull", "--listen", check=False)
        assert refused.returncode == 1
        assert "another `fieldguide annotate pull --listen` runs in this folder" in refused.stderr
        assert desk.hooks() == before, "and who is refused takes nothing away"
        assert first.end(signal.SIGKILL) == -signal.SIGKILL
    assert desk.hooks() == before, "nobody could remove them"
    with desk.listener(*command) as second:
        second.has_said("pages read")
        after = desk.hooks()
        assert sorted(after) == sorted(before) and not set(after.values()) & set(before.values())
        with locked(desk.site.paths.state / "locks" / "judgments.lock"):
            held = desk.in_log()
            desk.ada.judge(desk.projects["ada"], pages=1)
            time.sleep(1)  # it would have pulled by now
            assert desk.in_log() == held and second.process.poll() is None
        until(lambda: set(desk.in_log()) > set(held), "the judgments given while another command was at work")
        assert second.end(signal.SIGINT) == 0, second.said
        assert second.said.endswith("takes over what is given from now on\n")
    assert desk.hooks() == {}


@pytest.mark.slow
def test_a_server_that_goes_away_is_told_once_and_heals_by_itself(desk: Desk) -> None:
    with desk.listener("-c", IMPATIENT) as listener:
        listener.has_said("0 judgments new")
        desk.server.kill()
        listener.has_said("this is tried again until it succeeds")
        time.sleep(3)  # three more rounds that fail
        desk.server.restart()
        listener.has_said("the server answers again")
        assert listener.said.count("this is tried again") == 1
        desk.ada.judge(desk.projects["ada"], pages=1)
        until(lambda: desk.in_log() == desk.ada.given, "the judgments in the log")
        # Somebody takes the webhooks away: the safety net hears of judgments, and puts them back.
        for hook in desk.server.client().webhooks.list():
            desk.server.client().webhooks.delete(hook.id)
        desk.ada.judge(desk.projects["ada"], pages=1)
        until(lambda: desk.in_log() == desk.ada.given, "the judgments in the log without webhooks")
        until(lambda: len(desk.hooks()) == len(desk.projects), "the webhooks being put back")
        assert listener.end(signal.SIGTERM) == 0, listener.said
    assert desk.hooks() == {}


@pytest.mark.slow
def test_webhooks_of_others_stay_and_ours_are_put_right(desk: Desk) -> None:
    client, name = desk.server.client(), desk.server.params.release.name
    path, project = path_of(desk.site.paths), desk.projects["ada"]
    assert path == path_of(desk.site.paths) and path != path_of(Paths(desk.site.folder / "elsewhere"))
    theirs = client.webhooks.create(project=project, url="http://127.0.0.1:9/theirs", send_payload=True)
    other = client.webhooks.create(project=project, url="http://127.0.0.1:9/fieldguide-hint/" + "0" * 32)
    callback = Callback("http://127.0.0.1:9", path, "word")
    assert ensure_webhooks(client, name, callback) == len(desk.projects)
    made = {hook.id for hook in client.webhooks.list()}
    assert ensure_webhooks(client, name, callback) == len(desk.projects)
    assert {hook.id for hook in client.webhooks.list()} == made, "what is as it should be stays"
    ours = next(hook for hook in client.webhooks.list() if hook.project == project and hook.url.endswith(path))
    assert (ours.send_payload, ours.send_for_all_actions, ours.headers) == (False, False, {HEADER: "word"})
    client.webhooks.update(ours.id, url=ours.url, is_active=False)
    client.webhooks.create(project=project, url=ours.url)  # as a crash would leave it
    ensure_webhooks(client, name, callback)
    active = [hook for hook in client.webhooks.list() if hook.project == project and hook.url.endswith(path)]
    assert [hook.is_active for hook in active] == [True]
    with pytest.raises(FieldguideError, match=r"may not call back http://10\.0\.0\.1\. Give an address") as caught:
        ensure_webhooks(client, name, Callback("http://10.0.0.1", path, "word"))
    assert "word" not in str(caught.value) and "word" not in repr(callback)
    remove_webhooks(client, path)
    assert [hook.id for hook in client.webhooks.list()] == [theirs.id, other.id]


@pytest.mark.parametrize("option", ["--json", "--accept-withdrawals"])
def test_what_a_person_decides_each_time_does_not_go_with_listening(option: str) -> None:
    done = CliRunner().invoke(app, ["annotate", "pull", "--listen", option])
    assert isinstance(done.exception, FieldguideError)
    assert str(done.exception) == "--listen goes neither with --accept-withdrawals nor with --json: pull once for these"


@pytest.mark.parametrize(
    ("ear", "told"),
    [
        (Ear(host="0.0.0.0"), r"--host 0\.0\.0\.0 is no address that a server could call; give one with --address"),
        (Ear(), r"https://labels\.example is not on this machine, and cannot call its 127\.0\.0\.1: give the address"),
        (Ear(address="desk.example:80"), r"--address desk\.example:80: must be an address such as http://"),
        (Ear(address="http://desk.example/?x=1"), r"must be an address such as http://.*, without query"),
        (Ear(address="http://[::1"), r"must be an address such as"),
        (Ear(address="https://desk.example", port=70000), r"cannot listen on 127\.0\.0\.1 port 70000"),
    ],
)
def test_where_no_server_could_call_is_told_at_once(tmp_path: Path, ear: Ear, told: str) -> None:
    manager = Account(email="m@x.invalid", token=SecretStr("a-token"))
    write_accounts(Paths(tmp_path), Accounts(url="https://labels.example", manager=manager, people={}))
    with pytest.raises(FieldguideError, match=told):
        listen(Run(tiny_params(), Paths(tmp_path)), ear, print)
