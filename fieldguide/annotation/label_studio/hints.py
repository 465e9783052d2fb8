"""A listener for hints that something changed on the annotation server, and when a hint leads to a pull.

A hint is the fact that a request came in, and nothing else: its body is taken off the wire up to a limit and never
looked at. The secret keeps strangers of the network out and is no more than that, since every user of a community
server can read it there (its API shows webhooks with their headers to all). Who has it can cause a pull, at most
one every so many seconds, and nothing else.
"""

from __future__ import annotations

import hmac
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

from fieldguide.core.errors import FieldguideError

HEADER = "X-Fieldguide-Secret"
LIMIT = 64 * 1024  # bytes of a body; the server sends some forty
_LENGTH = re.compile(r"[0-9]{1,9}")
_CONNECTIONS = 64
_BURST = 0.5  # seconds: a page sent, its neighbours' pages and an edit right after it are one pull


class Hints:
    """Hints given by any thread, waited for by one: many in a burst are one pull, and the last one always counts.

    Args:
        every: seconds from the end of a pull to the next at least.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._first: float | None = None
        self._changed = threading.Condition()

    def give(self) -> None:
        """Say that something changed."""
        with self._changed:
            if self._first is None:
                self._first = time.monotonic()
                self._changed.notify_all()

    def wait(self, longest: float) -> bool:
        """Block from the end of a pull until the next is due: after a hint, or `longest` seconds without any.

        A hint given while a pull ran was perhaps too late for it, and leads to another.

        Returns:
            True after a hint; False after `longest` seconds.
        """
        with self._changed:
            ended = time.monotonic()
            while (left := due(ended, self._first, self._every, longest) - time.monotonic()) > 0:
                self._changed.wait(left)
            hinted, self._first = self._first is not None, None
            return hinted


def due(ended: float, first: float | None, every: float, longest: float) -> float:
    """When to pull next.

    Args:
        ended: time at which the last pull ended.
        first: time of the first hint since that pull began; None: there was none.
        every: seconds after `ended` at least.
        longest: seconds after `ended` at most.
    """
    if first is None:
        return ended + longest
    return ended + min(longest, max(every, first - ended + _BURST))


@contextmanager
def listening(
    host: str, port: int, path: str, secret: str, hinted: Callable[[], None], deadline: float = 5.0
) -> Iterator[int]:
    """Call `hinted` on every POST to `path` that carries the secret, from threads of its own.

    Args:
        host: IPv4 address or name of this machine to listen on.
        port: 0 lets the system choose.
        path: the only one served.
        secret: value of the header `HEADER`.
        hinted: returns at once.
        deadline: seconds after which a connection is cut, however busy its sender looks.

    Yields:
        The port.

    Raises:
        FieldguideError: nothing can listen there.
    """
    try:
        server = _Server((host, port), path, secret, hinted, deadline)
    except (OSError, OverflowError) as error:
        raise FieldguideError(
            f"cannot listen on {host} port {port}: {error}; give an IPv4 address of this machine with --host, and a "
            "port that is free with --port (0: any)"
        ) from None
    with server:
        threading.Thread(target=server.serve_forever, args=(min(deadline, 0.5),), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "fieldguide", ""

    def do_POST(self) -> None:
        status = self._status()
        if status >= HTTPStatus.BAD_REQUEST:
            self.send_error(status)
            return
        self.send_response(status)
        self.end_headers()

    def _status(self) -> HTTPStatus:
        length = self.headers.get("content-length") or ""
        if not _LENGTH.fullmatch(length):
            return HTTPStatus.LENGTH_REQUIRED
        if int(length) > LIMIT:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        # Taken off the wire also from whom is refused: else closing may reset the connection before the answer.
        if len(self.rfile.read(int(length))) < int(length):
            return HTTPStatus.BAD_REQUEST
        if self.path != self.server.path:
            return HTTPStatus.NOT_FOUND
        if not hmac.compare_digest((self.headers.get(HEADER) or "").encode(), self.server.secret.encode()):
            return HTTPStatus.FORBIDDEN
        self.server.hinted()
        return HTTPStatus.NO_CONTENT

    def log_message(self, *_: object) -> None:
        """Nothing: a sender's words do not belong on the manager's terminal."""


class _Server(ThreadingTCPServer):
    """One thread a connection; a connection that takes longer than the deadline is cut."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = _CONNECTIONS  # a full queue costs whoever connects a second

    def __init__(
        self, address: tuple[str, int], path: str, secret: str, hinted: Callable[[], None], deadline: float
    ) -> None:
        self.path, self.secret, self.hinted, self.deadline = path, secret, hinted, deadline
        self._open: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def verify_request(self, request: socket.socket, client_address: object) -> bool:  # type: ignore[override]
        """Whether there is room; who is turned away is heard of by the next pull all the same."""
        with self._lock:
            if len(self._open) >= _CONNECTIONS:
                return False
            self._open[request] = time.monotonic()
            return True

    def service_actions(self) -> None:
        """Between connections, twice a second: a time-out of the socket alone would let a sender trickle for ever."""
        with self._lock:
            for connection, since in self._open.items():
                if time.monotonic() - since > self.deadline:
                    _cut(connection)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """A connection has ended, or is turned away."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Senders that hang up are no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has gone by itself
        return
