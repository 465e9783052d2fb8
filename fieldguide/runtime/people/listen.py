"""`fieldguide annotate pull --listen`: judgments come into the log as people give them.

The server's webhooks say when to look; they may get lost, so that a pull is also made every ten minutes. A pull is
the same whatever caused it, so that nothing is lost or doubled by a hint too many or too few.
"""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fieldguide.annotation.label_studio.accounts import read_accounts
from fieldguide.annotation.label_studio.client import ServerError, connect
from fieldguide.annotation.label_studio.hints import Hints, listening
from fieldguide.annotation.label_studio.webhook import Callback, ensure_webhooks, path_of, remove_webhooks
from fieldguide.cli.annotate_views import pull_lines
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked
from fieldguide.core.progress import silent
from fieldguide.runtime.people import annotate
from fieldguide.runtime.people.desk import alone, server
from fieldguide.runtime.run import Run

if TYPE_CHECKING:
    from fieldguide.annotation.sync.pull import Pulled

LONGEST = 600.0
_AGAIN = 30.0  # seconds until a server that is away, or has no project of ours yet, is asked again
_LOOPBACK = ("127.0.0.1", "localhost")
_FAREWELL = 5.0


@dataclass(frozen=True)
class Ear:
    """Where to listen.

    Attributes:
        host: IPv4 address of this machine.
        port: 0: any that is free.
        address: of the listener as the server sees it; None: http://host:port.
        every: seconds between two pulls at least.
    """

    host: str = "127.0.0.1"
    port: int = 0
    address: str | None = None
    every: float = 10.0


def listen(run: Run, ear: Ear, say: Callable[[str], None], longest: float = LONGEST) -> None:
    """Pull now, after every hint and every `longest` seconds, until Ctrl-C or SIGTERM.

    Args:
        run: places and parameters.
        ear: where to listen.
        say: is given every line for the manager.
        longest: seconds.

    Raises:
        FieldguideError: another listener runs in this folder, nothing can listen there or the server may not call
            it, or pulling meets what does not pass by itself (a server that is away does).
    """
    _check(run, ear)
    hints, secret = Hints(ear.every), secrets.token_urlsafe(32)
    try:
        with ExitStack() as held:
            held.enter_context(_ended_by_signals())
            held.enter_context(_only_listener(run))
            path = path_of(run.paths)
            port = held.enter_context(listening(ear.host, ear.port, path, secret, hints.give))
            callback = Callback(ear.address or f"http://{ear.host}:{port}", path, secret)
            held.callback(_unregister, run, path, say)
            say(f"listening on {ear.host} port {port}; Ctrl-C ends it")
            rounds = _Rounds(replace(run, track=silent), callback, say)
            while True:
                hints.wait(longest if rounds.pull() else min(longest, _AGAIN))
    except KeyboardInterrupt:
        say("ended; `fieldguide annotate pull` takes over what is given from now on")


@dataclass
class _Rounds:
    """One pull after the other, and what of it is news."""

    run: Run
    callback: Callback
    say: Callable[[str], None]
    notes: tuple[str, ...] | None = None
    trouble: str | None = None

    def pull(self) -> bool:
        """Pull once; False: to be repeated soon, since the server is away or nobody was asked."""
        try:
            # Before the pull: what is given between the two is hinted at.
            projects = ensure_webhooks(server(self.run.paths), self.run.params.release.name, self.callback)
            with alone(self.run.paths, wait=True):
                pulled = annotate.pull(self.run)
        except ServerError as error:
            if not error.unsure and error.status not in (404, 429):
                raise
            if self.trouble is None:
                self.say(f"{error}\nthis is tried again until it succeeds; nothing is lost meanwhile")
            self.trouble = str(error)
            return False
        if self.trouble is not None:
            self.say("the server answers again")
        self.trouble = None
        self._tell(pulled)
        return projects > 0

    def _tell(self, pulled: Pulled) -> None:
        if pulled.appended or pulled.quarantined or pulled.notes != self.notes:
            self.say("\n".join(pull_lines(pulled)))
        self.notes = pulled.notes


def _check(run: Run, ear: Ear) -> None:
    """Whether the server could call us, as far as that can be known from here."""
    if ear.address is None:
        if ear.host in ("", "0.0.0.0"):  # noqa: S104  (compared, not bound)
            raise FieldguideError("--host 0.0.0.0 is no address that a server could call; give one with --address")
        url = read_accounts(run.paths).url
        if ear.host in _LOOPBACK and urlsplit(url).hostname not in _LOOPBACK:
            raise FieldguideError(
                f"{url} is not on this machine, and cannot call its {ear.host}: give the address under which it sees "
                "this machine with --address, and where to listen with --host"
            )
        return
    try:
        parts = urlsplit(ear.address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        valid = False
    if not valid:
        raise FieldguideError(
            f"--address {ear.address}: must be an address such as http://desk.museum.example:8090, without query"
        )


@contextmanager
def _only_listener(run: Run) -> Iterator[None]:
    """Two would remove each other's webhooks."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(run.paths.state / "locks" / "listener.lock", wait=False))
        except FieldguideError:
            raise FieldguideError("another `fieldguide annotate pull --listen` runs in this folder") from None
        yield


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGINT (which a shell's background jobs ignore) end what runs by KeyboardInterrupt."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _unregister(run: Run, path: str, say: Callable[[str], None]) -> None:
    try:
        remove_webhooks(connect(read_accounts(run.paths), timeout=_FAREWELL), path)
    except FieldguideError as error:
        say(f"the server keeps the webhooks of this listener, and the next one removes them: {error}")
