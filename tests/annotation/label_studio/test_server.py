"""The local server: it comes back with the same people, keeps secrets, mends accounts, says why it cannot start."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from fieldguide.annotation.label_studio import server as subject
from fieldguide.annotation.label_studio.accounts import Accounts, accounts_file, read_accounts, write_accounts
from fieldguide.annotation.label_studio.signup import admit
from fieldguide.cli import main as command
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from tests.annotation.real_server import ASSESSORS, REPOSITORY, LabelStudioServer, people_params

pytestmark = pytest.mark.slow


def secrets_of(accounts: Accounts) -> list[str]:
    values = [value for _, account in accounts.named() for value in (account.token, account.password)]
    assert all(values)
    return [value.get_secret_value() for value in values if value]


def request(server: LabelStudioServer, method: str, path: str, person: str = "ada", **more: Any) -> httpx.Response:
    """What a person's script sends with the person's token."""
    token = server.accounts.people[person].token
    headers = {"Authorization": f"Token {token.get_secret_value()}"} if token else {}
    return httpx.request(method, server.url + path, headers=headers, trust_env=False, timeout=60, **more)


def sign_up(url: str, query: str) -> httpx.Response:
    """What a stranger's browser sends."""
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as browser:
        browser.get("/user/signup/")
        form = {"email": "eve@evil.example", "password": "eves-password-1"}
        return browser.post(f"/user/signup/{query}", data=form | {"csrfmiddlewaretoken": browser.cookies["csrftoken"]})


# --- coming back ---


def test_killed_and_started_again_it_is_the_same(server: LabelStudioServer) -> None:
    before = server.accounts
    project = server.client().projects.create(title="kept", label_config="<View></View>")
    server.kill()
    assert not server.is_running()
    assert server.restart() == before
    assert server.client("ada").projects.get(project.id).title == "kept"
    assert read_accounts(server.paths, {}) == before


def test_started_twice_and_by_two_at_once_it_is_one_server(server: LabelStudioServer) -> None:
    server.stop()
    assert not subject.stop(server.paths)
    found: list[Accounts] = []
    starters = [
        threading.Thread(target=lambda: found.append(subject.start(server.paths, server.params.annotate))) for _ in "12"
    ]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert found == [server.accounts, server.accounts]
    assert subject.start(server.paths, server.params.annotate, port=1) == server.accounts
    assert len(server.processes()) == 1


def test_whose_starter_was_killed_comes_up_with_the_next_start(server: LabelStudioServer) -> None:
    server.stop()
    (server.paths.root / "params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    starter = subprocess.Popen(
        [sys.executable, "-m", "fieldguide.cli.main", "label-studio", "start"], cwd=server.paths.root, env=environment
    )
    while not server.processes():
        time.sleep(0.02)
    starter.send_signal(signal.SIGKILL)
    starter.wait(10)
    server.restart()
    assert server.client("ben").users.whoami().id == server.accounts.people["ben"].user_id
    assert len(server.processes()) == 1


def test_a_taken_port_is_left_to_whoever_has_it(server: LabelStudioServer) -> None:
    server.stop()
    with socket.socket() as other:
        other.bind(("127.0.0.1", urlsplit(server.url).port or 0))
        other.listen()
        before = server.accounts
        assert server.restart().url != before.url
    assert server.accounts.people == before.people
    assert server.client("cleo").users.whoami().id == before.people["cleo"].user_id
    assert subject.running(server.paths) == server.url == read_accounts(server.paths, {}).url


# --- secrets ---


def test_no_secret_shows_where_others_may_look(
    server: LabelStudioServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(server.paths.root)
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-the-server")
    monkeypatch.setattr(sys, "argv", ["fieldguide", "label-studio", "start"])
    Path("params.yaml").write_bytes((REPOSITORY / "params.yaml").read_bytes())
    server.stop()
    with pytest.raises(SystemExit, match="0"):
        command.main()
    monkeypatch.setattr(sys, "argv", ["fieldguide", "label-studio", "install"])
    with pytest.raises(SystemExit, match="0"):
        command.main()
    [process] = server.processes()
    paths = {
        "printed": "".join(capsys.readouterr()),
        "command line": " ".join(process.cmdline()),
        "log": subject.log_file(server.paths).read_text(),
    }
    assert f"listens at {server.url} " in paths["printed"]
    assert f"Label Studio: runs at {server.url}\n" in paths["printed"]
    assert all(f"{name}@annotators.invalid" in paths["printed"] for name in ("manager", *ASSESSORS, "dora"))
    values = [*secrets_of(server.accounts), (server.paths.annotation_state / "secret_key").read_text()]
    assert [place for place, text in paths.items() for value in values if value in text] == []
    assert "not-for-the-server" not in process.environ().values()
    for path in [server.paths.annotation_state, *server.paths.annotation_state.iterdir()]:
        assert path.name == "server.lock" or not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_nobody_signs_up_uninvited_or_by_an_old_invitation(shared_server: LabelStudioServer) -> None:
    log = subject.log_file(Paths(shared_server.paths.root)).read_text()
    old = set(re.findall(r"signup/\?token=(\w+)", log))
    assert old
    users = len(shared_server.client().users.list())
    for query in ["", "?token=", *(f"?token={token}" for token in old)]:
        assert sign_up(shared_server.url, query).status_code == httpx.codes.FORBIDDEN
    assert len(shared_server.client().users.list()) == users


def test_assessors_cannot_read_the_accounts_through_local_files(shared_server: LabelStudioServer) -> None:
    state = shared_server.paths.annotation_state.resolve()
    (state / "images").mkdir(exist_ok=True)
    (state / "images" / "tile.txt").write_text("a tile")
    project = request(shared_server, "POST", "/api/projects", json={"title": "mine"}).json()["id"]

    def storage(path: str) -> int:
        body = {"project": project, "path": path, "use_blob_urls": True}
        return request(shared_server, "POST", "/api/storages/localfiles", json=body).status_code

    def read(name: str) -> int:
        return request(shared_server, "GET", f"/data/local-files/?d={name}").status_code

    assert storage(str(state / "images")) == httpx.codes.CREATED
    assert read("images/tile.txt") == httpx.codes.OK
    for hostile in (f"{state}", f"{state}/", f"{state}/images/..", f"{state}/.", "/", str(state.parent)):
        assert storage(hostile) == httpx.codes.BAD_REQUEST, hostile
    for name in ("accounts.json", "label_studio.sqlite3", "secret_key", "images/../accounts.json", "../params.yaml"):
        assert read(name) >= httpx.codes.BAD_REQUEST, name


def test_a_page_of_another_site_reads_nothing(shared_server: LabelStudioServer) -> None:
    foreign = httpx.get(f"{shared_server.url}/health", headers={"Host": "evil.example"}, trust_env=False)
    assert foreign.status_code == httpx.codes.BAD_REQUEST
    crossing = httpx.get(f"{shared_server.url}/health", headers={"Origin": "https://evil.example"}, trust_env=False)
    assert "access-control-allow-origin" not in crossing.headers


def test_the_server_calls_neither_this_machine_nor_a_private_network(shared_server: LabelStudioServer) -> None:
    project = request(shared_server, "POST", "/api/projects", json={"title": "calls"}).json()["id"]

    def hook(address: str) -> int:
        body = {"url": f"http://{address}:9/", "project": project, "actions": ["ANNOTATION_CREATED"]}
        return request(shared_server, "POST", "/api/webhooks/", json=body).status_code

    for address in ("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "localhost"):
        assert hook(address) == httpx.codes.FORBIDDEN, address


# --- mending accounts ---


def test_a_new_assessor_gets_an_account_and_the_others_keep_theirs(server: LabelStudioServer) -> None:
    before = server.accounts
    server.params = people_params(assessors=[*ASSESSORS, "finn"])
    after = server.restart()
    assert {**after.people, "finn": None} == {**before.people, "finn": None}
    assert server.client("finn").users.whoami().id not in {a.user_id for _, a in before.named()}


def test_what_people_changed_on_the_server_is_mended(server: LabelStudioServer) -> None:
    before = server.accounts
    request(server, "POST", "/api/current-user/reset-token/").raise_for_status()
    off = {"legacy_api_tokens_enabled": False}
    request(server, "POST", "/api/jwt/settings", person="ben", json=off).raise_for_status()
    assert request(server, "GET", "/api/current-user/whoami", person="cleo").status_code == httpx.codes.UNAUTHORIZED
    server.restart()
    assert {name for name in before.people if server.accounts.people[name] != before.people[name]} == {"ada"}
    for name, account in server.accounts.people.items():
        assert server.client(name).users.whoami().id == account.user_id == before.people[name].user_id


def test_lost_accounts_are_given_new_passwords(server: LabelStudioServer) -> None:
    before = server.accounts
    accounts_file(server.paths).unlink()
    server.params = people_params(assessors=["ada"], adjudicator=None, overlap=1)
    server.restart()
    assert {n: a.user_id for n, a in server.accounts.named()} == {"manager": 1, "ada": before.people["ada"].user_id}
    assert server.accounts.people["ada"].password != before.people["ada"].password
    assert server.client("ada").users.whoami().id == before.people["ada"].user_id


def test_whenever_signing_up_was_cut_off_it_is_finished_without_doubles(shared_server: LabelStudioServer) -> None:
    accounts, paths = shared_server.accounts, Paths(shared_server.paths.root / "elsewhere")

    class KilledError(Exception):
        """The process ends here."""

    for step in range(3):
        write_accounts(paths, accounts)
        name, left = f"gus{step}", [step]

        def save(changed: Accounts, left: list[int] = left) -> None:
            if not left[0]:
                raise KilledError
            left[0] -= 1
            write_accounts(paths, changed)

        def never(account: object) -> None:
            raise AssertionError("no password had to be set anew")

        if step < 2:
            with pytest.raises(KilledError):
                admit(accounts, [name], save, never)
        known = admit(read_accounts(paths, {}), [name], lambda changed: write_accounts(paths, changed), never)
        assert known.people[name].token
        assert read_accounts(paths, {}) == known
        same = [user for user in shared_server.client().users.list() if (user.email or "").startswith(f"{name}@")]
        assert [user.id for user in same] == [known.people[name].user_id]


# --- what cannot be ---


def test_a_program_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "label-studio"
    program.write_text("#!/bin/sh\necho no module named label_studio\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("FIELDGUIDE_LABEL_STUDIO", str(program))
    with pytest.raises(
        FieldguideError, match=r"ended while it started; .*server\.log says:\n  no module named label_s"
    ):
        subject.start(Paths(tmp_path), people_params().annotate)
    program.write_bytes(b"\x00")
    with pytest.raises(FieldguideError, match="cannot be started: Exec format error"):
        subject.start(Paths(tmp_path), people_params().annotate)


def test_accounts_of_a_server_elsewhere_are_not_overwritten(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    write_accounts(paths, Accounts(url="https://labels.example", manager={"token": SecretStr("t")}, people={}))
    before = accounts_file(paths).read_bytes()
    with pytest.raises(FieldguideError, match=r"is of a server elsewhere, https://labels\.example; move it away"):
        subject.start(paths, people_params().annotate)
    assert accounts_file(paths).read_bytes() == before


def test_the_command_stops_reports_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> object:
        monkeypatch.setattr(sys, "argv", ["fieldguide", "label-studio", *arguments])
        with pytest.raises(SystemExit) as end:
            command.main()
        return end.value.code

    assert run("status") == 1
    assert (
        "no server of this benchmark runs on this machine; start it: fieldguide label-studio start"
        in capsys.readouterr().out
    )
    assert run("stop") == 0
    monkeypatch.setenv("LABEL_STUDIO_URL", "https://labels.example")
    assert "LABEL_STUDIO_URL is set: the server is elsewhere" in str(run("start"))
