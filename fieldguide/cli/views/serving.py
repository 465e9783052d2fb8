"""`fieldguide annotate serve` and `links`: the pages of assessors, and who may open them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

from fieldguide.annotation.label_studio.accounts import Accounts, read_accounts, write_accounts
from fieldguide.annotation.label_studio.client import connect
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.serving.visitors import MANAGER, key_of, with_keys
from fieldguide.core.errors import FieldguideError

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
    with _listening(port) as listener:
        print(look(annotation), flush=True)
        site = Site(annotation, accounts)
        print(f"pages at http://{HOST}:{port}; each person's link: fieldguide annotate links", flush=True)
        print("Ctrl-C ends them; what people have given is kept", flush=True)
        looking = Looking(site, read, admitted, every, lambda words: print(words, flush=True))
        serve(site, lambda: "<p>soon", listener, [HOST, "localhost", *names], looking)


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


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise FieldguideError(f"port {port}: {error.strerror}; give another with --port") from None
    return listener
