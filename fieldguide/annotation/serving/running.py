"""The pages and the looks beside them: what people give is pulled, and what is due next is put before them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from fieldguide.annotation.label_studio.accounts import Accounts
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.serving.app import Dashboard, application
from fieldguide.annotation.serving.site import Site
from fieldguide.annotation.standing import look
from fieldguide.core.errors import FieldguideError

_QUIET_SECONDS = 600.0
_HELD = "has used up the rounds of training; talk to them, and raise annotate.training.rounds"


class Looking:
    """Looks again and again, in a thread of its own.

    Soon after somebody gave something or a file was changed that says who is asked what; seldom otherwise.
    """

    def __init__(
        self,
        site: Site,
        read: Callable[[], Annotation],
        admit: Callable[[Annotation], Accounts],
        every: float,
        say: Callable[[str], None],
        watched: Sequence[Path] = (),
    ) -> None:
        """What a look needs.

        Args:
            site: told of what is new.
            read: reads params.yaml anew.
            admit: makes keys of those who are new.
            every: seconds between two looks, at least.
            say: told what is news.
            watched: files whose change is a reason to look: params.yaml, guidelines, accounts, replies.
        """
        self._site, self._read, self._admit, self._every, self._say = site, read, admit, every, say
        self._watched = watched
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="looking", daemon=True)
        self._shown: set[str] = set()

    def __enter__(self) -> Looking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(60)

    def _run(self) -> None:
        last, seen = float("-inf"), None
        while not self._ended.is_set():
            there = _times(self._watched)
            if self._site.unread or there != seen or time.monotonic() - last >= _QUIET_SECONDS:
                self.once()
                last, seen = time.monotonic(), there
            self._ended.wait(self._every)

    def once(self) -> None:
        """Pull, plan, push, and read anew; trouble is told, and the next look tries again."""
        try:
            annotation = self._read()
            accounts = self._admit(annotation)
            self._site.looking = True
            words = str(look(annotation))
            self._site.refresh(annotation, accounts)
            words += "".join(f"\n  {name}: {_HELD}" for name in self._site.held)
        except FieldguideError as error:
            words = f"{error}\nthis is tried again; what people give meanwhile is kept"
        finally:
            self._site.looking = False
        # A note that comes with every look is told once.
        fresh = [line for line in words.splitlines() if line not in self._shown]
        if fresh:
            self._say("\n".join(fresh))
        self._shown = set(words.splitlines())


def _times(paths: Sequence[Path]) -> list[int]:
    """When files were last changed, in ns; 0 where there is none."""
    return [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]


def serve(site: Site, dashboard: Dashboard, listener: socket.socket, hosts: Sequence[str], looking: Looking) -> None:
    """Serve until the process is told to end (Ctrl-C, SIGTERM).

    Args:
        site: what the pages do.
        dashboard: makes the manager's page.
        listener: a bound socket.
        hosts: names under which browsers may ask.
        looking: looks beside it.
    """
    config = uvicorn.Config(
        application(site, dashboard, hosts), log_level="warning", access_log=False, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=10,
    )  # fmt: skip
    with looking:
        uvicorn.Server(config).run(sockets=[listener])
