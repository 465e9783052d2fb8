"""Speaking to a server: every failure in words, no token in any, nothing written twice."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from fieldguide.annotation.label_studio import client as module
from fieldguide.annotation.label_studio.accounts import Account, Accounts
from fieldguide.annotation.label_studio.client import ServerError, address_of, connect, speaking
from fieldguide.core.errors import FieldguideError
from tests.annotation.real_server import LabelStudioServer

TOKEN = "0123456789abcdef0123456789abcdef01234567"
Reply = tuple[int, dict[str, str], bytes] | None


class Scripted:
    """A server that says what it is told to; None: it hangs up after having read the request."""

    def __init__(self, replies: list[Reply]) -> None:
        self.replies, self.seen = list(replies), []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                script.seen.append(f"{self.command} {self.path.partition('?')[0]}")
                reply = script.replies.pop(0) if len(script.replies) > 1 else script.replies[0]
                if reply is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, headers, body = reply
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Scripted]]:
    monkeypatch.setattr(module, "_PAUSES", (0.0, 0.0))
    made: list[Scripted] = []

    def make(*replies: Reply) -> Scripted:
        made.append(Scripted(list(replies)))
        return made[-1]

    yield make
    for server in made:
        server.http.shutdown()
        server.http.server_close()


def accounts(url: str, token: str | None = TOKEN) -> Accounts:
    return Accounts(url=url, manager=Account(token=SecretStr(token) if token else None), people={})


def failing(url: str, call: str = "GET", timeout: float = 5.0) -> ServerError:
    """The error of one call."""
    with pytest.raises(ServerError) as caught, speaking(url):
        client = connect(accounts(url), timeout=timeout)
        client.projects.get(7) if call == "GET" else client.projects.create(title="made")
    assert TOKEN not in str(caught.value)
    return caught.value


def json_reply(status: int, body: object) -> Reply:
    return status, {"content-type": "application/json"}, json.dumps(body).encode()


def test_nobody_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        error = failing(f"http://127.0.0.1:{probe.getsockname()[1]}")
    assert "cannot be reached" in str(error)
    assert "`fieldguide label-studio start`" in str(error) and "LABEL_STUDIO_URL" in str(error)
    assert error.unsure


def test_no_token() -> None:
    with pytest.raises(FieldguideError, match="LABEL_STUDIO_API_KEY"):
        connect(accounts("http://127.0.0.1:1", token=None))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_token_is_not_repeated_in_the_error(scripted: Callable[..., Scripted], status: int) -> None:
    error = failing(scripted(json_reply(status, {"detail": f"Invalid token {TOKEN}"})).url)
    assert "the token is not accepted" in str(error)
    assert error.status == status and not error.unsure


def test_deleted_project(scripted: Callable[..., Scripted]) -> None:
    error = failing(scripted(json_reply(404, {"detail": "No Project matches the given query."})).url)
    assert "`fieldguide annotate push` makes anew what is missing" in str(error)
    assert error.status == 404


def test_what_the_server_refuses_is_said_without_addresses_of_people_and_tokens(
    scripted: Callable[..., Scripted],
) -> None:
    body = {"detail": "Validation error", "validation_errors": {"title": [f"ada@museum.example {TOKEN} is too short"]}}
    text = str(failing(scripted(json_reply(400, body)).url, "POST"))
    assert "is too short" in text and "Validation error" in text
    assert "museum" not in text


@pytest.mark.parametrize("page", [b"<html>log in</html>", b"", b"[1, 2"])
def test_reply_that_is_not_json(scripted: Callable[..., Scripted], page: bytes) -> None:
    assert "no proxy or log-in page" in str(failing(scripted((200, {}, page)).url))


def test_redirection_names_where_to(scripted: Callable[..., Scripted]) -> None:
    error = failing(scripted((301, {"location": "https://labels.museum.example/api?key=secret"}, b"")).url, "POST")
    assert "https://labels.museum.example/api;" in str(error)
    assert "secret" not in str(error)


def test_silence_ends_with_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        error = failing(f"http://127.0.0.1:{deaf.getsockname()[1]}", "POST", timeout=0.2)
    assert "no answer in time" in str(error) and error.unsure


@pytest.mark.parametrize("trouble", [None, json_reply(503, {}), (500, {}, b"<html>Traceback</html>")])
def test_what_writes_is_sent_once(scripted: Callable[..., Scripted], trouble: Reply) -> None:
    server = scripted(trouble, json_reply(201, {"id": 1}))
    error = failing(server.url, "POST")
    assert server.seen == ["POST /api/projects/"]
    assert error.unsure and "Traceback" not in str(error)


@pytest.mark.parametrize("trouble", [None, json_reply(503, {}), json_reply(429, {})])
def test_what_reads_is_sent_again(scripted: Callable[..., Scripted], trouble: Reply) -> None:
    server = scripted(trouble, trouble, json_reply(200, {"id": 7, "title": "there"}))
    assert connect(accounts(server.url)).projects.get(7).title == "there"
    assert server.seen == ["GET /api/projects/7/"] * 3


def test_what_reads_is_sent_three_times_at_most(scripted: Callable[..., Scripted]) -> None:
    server = scripted(json_reply(502, {}))
    assert failing(server.url).status == 502
    assert len(server.seen) == 3


def test_errors_that_are_not_the_servers_pass_through() -> None:
    with pytest.raises(KeyError), speaking("http://127.0.0.1:1"):
        raise KeyError("a defect of ours")


def test_the_address_is_told_without_password(scripted: Callable[..., Scripted]) -> None:
    with pytest.raises(ServerError) as caught, speaking("http://manager:hidden@127.0.0.1:1/x?token=hidden"):
        connect(accounts(scripted(json_reply(404, {})).url)).projects.get(7)
    assert str(caught.value).startswith("http://127.0.0.1:1/x: ")
    assert "hidden" not in str(caught.value)


@pytest.mark.slow
def test_personal_access_tokens_are_understood_like_legacy_ones(shared_server: LabelStudioServer) -> None:
    client = shared_server.client()
    token = client.tokens.create().token
    assert token.count(".") == 2
    other = connect(accounts(shared_server.url, token))
    assert other.users.whoami().id == client.users.whoami().id
    assert address_of(other) == shared_server.url
