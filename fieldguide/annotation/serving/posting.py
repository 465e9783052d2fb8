"""Answers given to Label Studio in the name of whoever gave them: with the person's own token, once a page."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from fieldguide.annotation.form.task import choices_of, result_of
from fieldguide.annotation.label_studio.accounts import Account, Accounts
from fieldguide.annotation.label_studio.client import ServerError
from fieldguide.annotation.serving.board import TaskPlace

_TIMEOUT = 30.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Posting:
    """Gives and reads answers. May be used by several threads: one person's calls come one after the other."""

    def __init__(self, accounts: Accounts) -> None:
        """`accounts` with the tokens of everybody."""
        self._accounts = accounts
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._clients: dict[str, httpx.Client] = {}
        self._unsure: set[tuple[str, TaskPlace]] = set()

    def put(self, person: str, place: TaskPlace, choices: Mapping[int, str], seconds: float, *, new: bool) -> None:
        """Give an answer to a page, or put it in the place of the one that the person gave before.

        Args:
            person: by the name of params.yaml.
            place: the page's task.
            choices: by position.
            seconds: that it took.
            new: the person has given none yet, as far as is known; then nothing is looked up.

        Raises:
            ServerError: it was not taken, or nobody knows; the same again does not double it.
        """
        body = {"result": result_of(choices), "lead_time": seconds}
        with self._locks[person]:
            unsure = (person, place) in self._unsure
            self._unsure.add((person, place))
            before = None if new and not unsure else self._annotation(person, place)
            if before is None:
                self._call(person, "POST", f"/api/tasks/{place.task}/annotations/", json=body)
            elif not unsure or before.get("result") != body["result"]:  # else it is what was sent before, and arrived
                body["lead_time"] = seconds + float(before.get("lead_time") or 0)
                self._call(person, "PATCH", f"/api/annotations/{before['id']}/", json=body)
            self._unsure.discard((person, place))

    def given(self, person: str, place: TaskPlace) -> dict[int, str]:
        """What a person has answered on a page, by position; empty where nothing.

        Raises:
            ServerError: the server cannot be asked.
        """
        with self._locks[person]:
            annotation = self._annotation(person, place)
        if annotation is None:
            return {}
        try:
            return {n: chosen[0] for n, chosen in choices_of(annotation.get("result")).items() if len(chosen) == 1}
        except ValueError:
            return {}

    def _annotation(self, person: str, place: TaskPlace) -> dict[str, Any] | None:
        listed = self._call(person, "GET", f"/api/tasks/{place.task}/annotations/").json()
        own = self._accounts.people[person].user_id
        mine = [one for one in listed if isinstance(one, dict) and _author(one) == own and not one.get("was_cancelled")]
        return min(mine, key=lambda one: int(one["id"]), default=None)

    def _call(self, person: str, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            reply = self._client(person).request(method, path, **content)
        except httpx.HTTPError as error:
            raise ServerError(f"Label Studio cannot be reached ({type(error).__name__})") from None
        if not reply.is_success:
            raise ServerError(f"Label Studio did not take it (HTTP {reply.status_code})", reply.status_code)
        return reply

    def _client(self, person: str) -> httpx.Client:
        if person not in self._clients:
            url, account = self._accounts.url, self._accounts.people[person]
            self._clients[person] = httpx.Client(
                base_url=url, headers=_authorization(account), timeout=_TIMEOUT, follow_redirects=False,
                trust_env=urlsplit(url).hostname not in _LOOPBACK,
            )  # fmt: skip
        return self._clients[person]


def _authorization(account: Account) -> dict[str, str]:
    return {"Authorization": f"Token {account.token.get_secret_value()}"} if account.token else {}


def _author(annotation: Mapping[str, Any]) -> object:
    author = annotation.get("completed_by")
    return author.get("id") if isinstance(author, Mapping) else author
