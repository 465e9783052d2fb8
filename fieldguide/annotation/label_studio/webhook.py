"""Our webhooks on the annotation server: one a project, which tells a listener of ours that somebody judged.

They carry no answers (`send_payload` is off): what counts is read by the pull, as always. The server calls them one
after the other while the annotator waits for the answer to be saved, for a second at most (its WEBHOOK_TIMEOUT); so
those of a listener that died must not stay. They are known by the path of their address, which names the benchmark's
folder by a random number kept there.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fieldguide.annotation.label_studio.accounts import write_private
from fieldguide.annotation.label_studio.client import ServerError, address_of, speaking
from fieldguide.annotation.label_studio.hints import HEADER
from fieldguide.annotation.label_studio.projects import find_projects
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

_ACTIONS = ("ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED")


@dataclass(frozen=True)
class Callback:
    """What the server is to call.

    Attributes:
        address: of the listener as the server sees it, without path.
        path: as `path_of` gives it.
        secret: sent in the header `fieldguide.annotation.label_studio.hints.HEADER`.
    """

    address: str
    path: str
    secret: str = field(repr=False)

    @property
    def settings(self) -> dict[str, Any]:
        """By the server's names."""
        url = self.address.rstrip("/") + self.path
        return {"url": url, "headers": {HEADER: self.secret}, "is_active": True, "send_payload": False}


def path_of(paths: Paths) -> str:
    """The path by which the webhooks of this folder are told from all others; the same at every start."""
    file = paths.annotation_state / "listener"
    if not file.exists():
        write_private(file, secrets.token_hex(16))
    return f"/fieldguide-hint/{file.read_text(encoding='utf-8').strip()}"


def ensure_webhooks(client: LabelStudio, benchmark: str, callback: Callback) -> int:
    """Have the callback made when somebody judges: one webhook a project; others with its path are removed.

    Args:
        client: speaks as the manager.
        benchmark: params.release.name.
        callback: what the server is to call.

    Returns:
        How many projects there are.

    Raises:
        FieldguideError: the server may not call that address.
        ServerError: see annotation.client.speaking.
    """
    projects = [project.id for project in find_projects(client, benchmark)]
    good: set[int] = set()
    for hook in _ours(client, callback.path):
        if hook.project in projects and hook.project not in good and _is(hook, callback):
            good.add(hook.project)
        else:
            _delete(client, hook.id)
    for project in projects:
        if project not in good:
            _create(client, project, callback)
    return len(projects)


def remove_webhooks(client: LabelStudio, path: str) -> None:
    """Remove all webhooks with that path.

    Raises:
        ServerError: see annotation.client.speaking.
    """
    for hook in _ours(client, path):
        _delete(client, hook.id)


def _ours(client: LabelStudio, path: str) -> list[Any]:
    with speaking(address_of(client)):
        return [hook for hook in client.webhooks.list() if hook.url.endswith(path)]


def _is(hook: Any, callback: Callback) -> bool:
    same = all(getattr(hook, name) == value for name, value in callback.settings.items())
    return same and not hook.send_for_all_actions and set(hook.actions or ()) == set(_ACTIONS)


def _create(client: LabelStudio, project: int, callback: Callback) -> None:
    try:
        with speaking(address_of(client)):
            client.webhooks.create(project=project, actions=_ACTIONS, send_for_all_actions=False, **callback.settings)
    except ServerError as error:
        if error.status not in (400, 403):
            raise
        # The token is good, since the list of webhooks was read with it.
        raise FieldguideError(
            f"{address_of(client)}: may not call back {callback.address}. Give an "
            "address that it may call with --address; a server that `make annotate` starts may call 127.0.0.1, one "
            "elsewhere what its operator allows (SSRF_PROTECTION_ENABLED, USE_DEFAULT_BANNED_SUBNETS). Without a "
            "listener, `fieldguide annotate pull` or `fieldguide build --wait` does the same at intervals"
        ) from None


def _delete(client: LabelStudio, hook: int) -> None:
    try:
        with speaking(address_of(client)):
            client.webhooks.delete(hook)
    except ServerError as error:
        if error.status != 404:  # somebody else removed it
            raise
