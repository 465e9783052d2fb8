"""`fieldguide annotate serve` and `links`: the pages of assessors, and who may open them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fieldguide.annotation.label_studio.accounts import Accounts, accounts_file, read_accounts, write_accounts
from fieldguide.annotation.label_studio.client import connect
from fieldguide.annotation.lock import serving_locked
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.serving.visitors import MANAGER, key_of, with_keys
from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from fieldguide.annotation.correspondence.log import Line
    from fieldguide.annotation.progress.snapshot import Snapshot
    from fieldguide.annotation.serving.site import Site

HOST = "127.0.0.1"


def serve(read: Callable[[], Annotation], port: int, names: Sequence[str], every: float) -> None:
    """Serve until the process is told to end.

    Args:
        read: reads params.yaml.
        port: to listen on.
        names: of hosts, beside this machine's own.
        every: seconds between two looks, at least.

    Raises:
        FieldguideError: the port is taken, the server is away, people have no accounts.
    """
    from fieldguide.annotation.serving.running import Looking, serve
    from fieldguide.annotation.serving.site import Site
    from fieldguide.annotation.standing import look

    annotation = read()
    accounts = admitted(annotation)
    with serving_locked(annotation.paths), _listening(port) as listener:
        print(look(annotation), flush=True)
        site = Site(annotation, accounts)
        print(f"pages at http://{HOST}:{port}; each person's link: fieldguide annotate links", flush=True)
        print(f"the manager's page, behind the manager's link: http://{HOST}:{port}/manager", flush=True)
        print("Ctrl-C ends them; what people have given is kept", flush=True)
        looking = Looking(site, read, admitted, every, lambda words: print(words, flush=True), _watched(annotation))
        serve(site, manager_page(site), listener, [HOST, "localhost", *names], looking)


def manager_page(site: Site) -> Callable[[], str]:
    """Makes the page at /manager, of what the site knows when it is asked for."""
    from fieldguide.annotation.dashboard.pictures import Thumbnails
    from fieldguide.annotation.dashboard.writing import ServedDashboard

    def look() -> tuple[Snapshot, tuple[Line, ...]]:
        state = site.state
        return state.board.now, state.lines

    return ServedDashboard(look, site.annotation.benchmark, Thumbnails(site.annotation.paths))


def links(annotation: Annotation, person: str | None, address: str, *, new: bool = False) -> None:
    """Print each person's link, or one person's.

    Raises:
        FieldguideError: nobody has that name.
    """
    accounts = admitted(annotation, renew=person if new else None)
    names = [*annotation.asked.people, MANAGER]
    if person is not None and person not in names:
        raise FieldguideError(f"{person}: is nobody whom params.yaml asks; there are {', '.join(names)}")
    if new and person is None:
        raise FieldguideError("--new makes one person's key anew: name the person")
    for name in [person] if person else names:
        print(f"{name}: {address.rstrip('/')}/#{key_of(accounts, name)}")


def admitted(annotation: Annotation, renew: str | None = None) -> Accounts:
    """The accounts with a key for everybody and the manager; kept where they are new.

    Raises:
        FieldguideError: people have no accounts, or the server does not know them.
    """
    from fieldguide.annotation.label_studio.accounts import with_user_ids
    from fieldguide.annotation.label_studio.client import speaking

    stored = read_accounts(annotation.paths)
    with speaking(stored.url):
        known = with_user_ids(connect(stored), stored)
    if renew is not None and renew in known.people:
        people = known.people | {renew: known.people[renew].model_copy(update={"key": None})}
        known = known.model_copy(update={"people": people})
    elif renew == MANAGER:
        known = known.model_copy(update={"manager": known.manager.model_copy(update={"key": None})})
    accounts = with_keys(known, annotation.asked.people)
    if accounts != stored:
        write_accounts(annotation.paths, accounts)
    return accounts


def _watched(annotation: Annotation) -> list[Path]:
    paths, asked = annotation.paths, annotation.annotate
    known = [paths.root / path for path in (asked.gold, asked.training and asked.training.images) if path]
    always = [paths.root / "params.yaml", paths.annotation / "guidelines.md"]
    return [*always, accounts_file(paths), paths.correspondence, *known]


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise FieldguideError(f"port {port}: {error.strerror}; give another with --port") from None
    return listener
