"""The listener for hints: who may hint, what a bad sender costs the others, and when a hint leads to a pull."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.annotation.label_studio.hints import HEADER, LIMIT, Hints, due, listening
from fieldguide.core.errors import FieldguideError

PATH, WORD = "/fieldguide-hint/0a1b", "s3cret-of-this-run"
seconds = st.floats(0, 1e6)


@dataclass
class Listener:
    port: int
    heard: list[int] = field(default_factory=list)

    def post(
        self, path: str = PATH, secret: str | None = WORD, body: bytes = b'{"action":"ANNOTATION_CREATED"}'
    ) -> int:
        headers = {} if secret is None else {HEADER: secret}
        return self.http.post(f"http://127.0.0.1:{self.port}{path}", content=body, headers=headers).status_code

    def raw(self, request: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(request)
        return connection

    def __post_init__(self) -> None:
        self.http = httpx.Client(timeout=10, trust_env=False)


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard: list[int] = []
    with listening("127.0.0.1", 0, PATH, WORD, lambda: heard.append(1), deadline=0.3) as port:
        yield Listener(port, heard)


def test_a_post_with_the_secret_is_heard_whatever_it_says(listener: Listener) -> None:
    bodies = [b"", b"{}", b"\xff\x00", b"[" * LIMIT]
    assert [listener.post(body=body) for body in bodies] == [204] * 4
    assert len(listener.heard) == 4


@pytest.mark.parametrize("secret", [None, "", "wrong", WORD[:-1], WORD + "x", "s3cret-of-this-r\xfcn"])
def test_without_the_secret_nothing_is_heard(listener: Listener, secret: str | None) -> None:
    lines = b"" if secret is None else f"{HEADER}: {secret}\r\n".encode("latin-1")
    with listener.raw(f"POST {PATH} HTTP/1.1\r\nContent-Length: 2\r\n".encode() + lines + b"\r\n{}") as connection:
        assert connection.recv(4096).split()[1] == b"403"
    assert listener.heard == []


def test_only_a_post_of_limited_length_to_the_path_is_heard(listener: Listener) -> None:
    url = f"http://127.0.0.1:{listener.port}{PATH}"
    assert listener.http.get(url, headers={HEADER: WORD}).status_code == 501
    assert [listener.post(path) for path in ("/", PATH + "/", PATH + "?x=1", "/fieldguide-hint/")] == [404] * 4
    for length, status in ((str(LIMIT + 1), b"413"), ("9" * 5000, b"411"), ("-1", b"411"), ("two", b"411")):
        head = f"POST {PATH} HTTP/1.1\r\n{HEADER}: {WORD}\r\nContent-Length: {length}\r\n\r\n"
        with listener.raw(head.encode()) as connection:
            assert connection.recv(4096).split()[1] == status
    chunked = f"POST {PATH} HTTP/1.1\r\n{HEADER}: {WORD}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with listener.raw(chunked.encode()) as connection:
        assert connection.recv(4096).split()[1] == b"411"
    assert listener.heard == []


def test_senders_that_stall_or_trickle_are_cut_and_hold_up_nobody(listener: Listener) -> None:
    head = f"POST {PATH} HTTP/1.1\r\n{HEADER}: {WORD}\r\nContent-Length: 100\r\n\r\n".encode()
    stalled = [listener.raw(part) for part in (b"", b"POST /", head, head + b"{")]
    assert listener.post() == 204
    trickling = listener.raw(b"POST / HTTP/1.1\r\n")
    with pytest.raises(OSError):
        while True:
            trickling.sendall(b"X")  # never a pause as long as the deadline
            threading.Event().wait(0.02)
    for connection in stalled:
        with connection:
            while connection.recv(4096):  # until it is cut; a time-out of 10 s would raise
                pass
    trickling.close()
    assert listener.post() == 204
    assert len(listener.heard) == 2


def test_a_crowd_of_stalled_connections_is_turned_away_and_then_there_is_room_again(listener: Listener) -> None:
    crowd = [listener.raw(b"POST") for _ in range(80)]
    assert crowd[-1].recv(1) == b""
    for connection in crowd:
        connection.close()
    heard = False
    for _ in range(100):
        try:
            heard = listener.post() == 204
            break
        except httpx.TransportError:
            threading.Event().wait(0.05)
    assert heard


def test_an_address_that_is_taken_or_none_is_told(listener: Listener) -> None:
    told = r"cannot listen on .*; give an IPv4 address of this machine with --host, and a port that is free with --port"
    for host, port in (("127.0.0.1", listener.port), ("host.invalid", 0), ("127.0.0.1", 70000)):
        with pytest.raises(FieldguideError, match=told), listening(host, port, PATH, WORD, print):
            pass


def test_a_burst_is_one_pull_and_what_comes_during_a_pull_makes_another(listener: Listener) -> None:
    hints = Hints(every=0.0)
    for _ in range(50):
        hints.give()
    assert hints.wait(longest=60)  # would take a minute without a hint
    assert not hints.wait(longest=0.0), "the burst was served by one"
    threading.Timer(0.05, hints.give).start()
    assert hints.wait(longest=60), "a hint wakes who waits"
    hints.give()
    assert hints.wait(longest=60)


def test_a_hint_soon_after_a_pull_waits_for_its_time() -> None:
    hints = Hints(every=3600)
    hints.give()
    waiting = threading.Thread(target=hints.wait, args=(7200,), daemon=True)
    waiting.start()
    waiting.join(1.0)
    assert waiting.is_alive()


@given(ended=seconds, hint=st.floats(-1e4, 1e4), every=st.floats(0, 1e3), longest=st.floats(0, 1e4))
def test_never_sooner_than_every_nor_later_than_longest(
    ended: float, hint: float, every: float, longest: float
) -> None:
    assert due(ended, None, every, longest) == ended + longest
    when = due(ended, ended + hint, every, longest)
    assert ended + min(every, longest) <= when <= ended + longest
    if every < longest and hint + 1 < every:
        assert when == ended + every, "a hint in good time is served at the first moment allowed"
    if every < hint and hint + 1 < longest:
        assert ended + hint <= when <= ended + hint + 1
