"""Who is who on the annotation server: the names of params.yaml, and the server's users that they are.

accounts.json is written by the local server's start (server.py), readable by its owner alone, and
never committed. For a server elsewhere the environment says the same:

    LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY    the server, and the manager's token
    FIELDGUIDE_ASSESSORS                      ada=ada@museum.example,ben=ben@museum.example
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    SecretStr,
    SerializationInfo,
    ValidationError,
    field_serializer,
    field_validator,
)  # fmt: skip

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import OTHERS, read_json, write_private
from fieldguide.core.paths import Paths

URL, KEY, ASSESSORS = "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "FIELDGUIDE_ASSESSORS"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_REVEAL = {"reveal": True}  # the context in which a dump holds the secrets: that of writing accounts.json


class Account(BaseModel):
    """One user of the server.

    Attributes:
        email: by which the server knows the user; empty for a manager given by token alone.
        user_id: the server's number, None until it was asked for.
        token: the user's own API token; None where only the manager's is known.
        password: for signing in with the browser; None where the user chose it.
        key: opens the pages of `fieldguide annotate serve`; no key of the server's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: str = ""
    user_id: int | None = None
    token: SecretStr | None = None
    password: SecretStr | None = None
    key: SecretStr | None = None

    @field_serializer("token", "password", "key", when_used="json-unless-none")
    def _secret(self, value: SecretStr, info: SerializationInfo) -> str:
        return value.get_secret_value() if info.context is _REVEAL else str(value)

    @field_validator("email")
    @classmethod
    def _lower(cls, email: str) -> str:
        return email.strip().lower()  # as the server stores it


class Accounts(BaseModel):
    """A server, its manager, and who the assessors and the adjudicator are there, by their names of params.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    manager: Account
    people: dict[str, Account]

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("must be an address such as https://labels.museum.example, without user name or query")
        return url.rstrip("/")

    def named(self) -> Iterator[tuple[str, Account]]:
        """Every account with its name; the manager first, as `manager`."""
        yield "manager", self.manager
        yield from sorted(self.people.items())


def accounts_file(paths: Paths) -> Path:
    """The file that holds tokens and passwords."""
    return paths.annotation_state / "accounts.json"


def read_accounts(paths: Paths, environment: Mapping[str, str] = os.environ) -> Accounts:
    """The accounts of accounts.json; where LABEL_STUDIO_URL is set, those of the server it names.

    Raises:
        FieldguideError: there are none, or others can read the file.
        ProblemsError: file or environment are not valid. No value is repeated: it may be a secret.
    """
    stored = stored_accounts(paths)
    if environment.get(URL):
        return _elsewhere(stored, environment)
    lonely = [name for name in (KEY, ASSESSORS) if environment.get(name)]
    if lonely:
        raise FieldguideError(
            f"{' and '.join(lonely)} set without {URL}: set {URL} too, for a server elsewhere; "
            "unset them for the server of this machine"
        )
    if stored is None:
        raise FieldguideError(
            f"{accounts_file(paths)}: no such file. `fieldguide label-studio start` starts a server here and makes the "
            f"accounts; for a server elsewhere set {URL}, {KEY} and {ASSESSORS}=ada=ADDRESS,ben=ADDRESS"
        )
    return stored


def stored_accounts(paths: Paths) -> Accounts | None:
    """The accounts of accounts.json whatever the environment says; None where there is no such file.

    Raises:
        FieldguideError: others can read the file.
        ProblemsError: it is not valid.
    """
    path = accounts_file(paths)
    if not path.exists():
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        raise FieldguideError(
            f"{path}: others can read the tokens and passwords in it (mode {mode:04o}, allowed: 0600); "
            f"`chmod 600 {path}`, and if anybody may have read it, delete it and "
            "run `fieldguide label-studio start` for new ones"
        )
    try:
        return Accounts.model_validate(read_json(path))
    except ValidationError as error:
        raise ProblemsError(f"{path} is not valid:", _problems(error)) from None


def write_accounts(paths: Paths, accounts: Accounts) -> None:
    """Write accounts.json, readable by its owner alone from its first byte."""
    value = accounts.model_dump(mode="json", context=_REVEAL)
    write_private(accounts_file(paths), json.dumps(value, indent=2, sort_keys=True) + "\n")


def with_user_ids(client: Any, accounts: Accounts) -> Accounts:
    """The accounts with the server's number of every user, looked up by address where it is missing.

    Args:
        client: a `label_studio_sdk.LabelStudio` with the manager's token.
        accounts: the accounts.

    Raises:
        ProblemsError: the server knows no user by that address; all of them. Addresses are not repeated.
    """
    if all(account.user_id is not None for _, account in accounts.named()):
        return accounts
    manager = accounts.manager
    if manager.user_id is None:
        me = client.users.whoami()
        manager = manager.model_copy(update={"user_id": me.id, "email": (me.email or "").lower()})
    numbers = {(user.email or "").lower(): user.id for user in client.users.list()}
    people, problems = {}, []
    for name, account in accounts.people.items():
        number = account.user_id if account.user_id is not None else numbers.get(account.email)
        if number is None:
            problems.append(Problem(name, "the server has no user with the address given; sign up there first"))
        people[name] = account.model_copy(update={"user_id": number})
    if problems:
        raise ProblemsError(f"people whom {accounts.url} does not know:", problems)
    return accounts.model_copy(update={"manager": manager, "people": people})


class UnknownPeopleError(ProblemsError):
    """People are to be asked who are nobody on the server."""


def require_people(client: Any, accounts: Accounts, names: Iterable[str]) -> None:
    """See that everybody can sign in, or be given pages, before anything is put before them.

    Args:
        client: a `label_studio_sdk.LabelStudio` with the manager's token.
        accounts: who is who.
        names: whom params.yaml asks.

    Raises:
        UnknownPeopleError: all who have no account, or one that the server does not have.
        ServerError: see client.speaking.
    """
    there = {known for user in client.users.list() for known in (user.id, (user.email or "").lower())}
    problems = []
    for name in names:
        account = accounts.people.get(name)
        if account is None:
            problems.append(Problem(name, "has no account"))
        elif (account.email if account.user_id is None else account.user_id) not in there:
            problems.append(Problem(name, "has an account that the server does not know"))
    if problems:
        raise UnknownPeopleError(
            f"nothing was pushed, params.yaml (annotate) asks people who are nobody on {accounts.url}; `fieldguide "
            f"label-studio start` makes accounts on a server here, on one elsewhere let them sign up and name them in "
            f"{ASSESSORS}:",
            problems,
        )


def _elsewhere(stored: Accounts | None, environment: Mapping[str, str]) -> Accounts:
    """Accounts of a server that the environment names; stored numbers and secrets count only for the same server."""
    url, key = environment[URL], environment.get(KEY)
    if not key:
        raise FieldguideError(f"{URL} is set and {KEY} is not: set it to the manager's API token on that server")
    same = stored is not None and stored.url == url.rstrip("/")
    manager = stored.manager.model_copy(update={"token": SecretStr(key)}) if stored and same else Account(token=key)
    if environment.get(ASSESSORS):
        people = _parse_people(environment[ASSESSORS])
    elif stored and same:
        people = stored.people
    else:
        people = {name: Account(email=account.email) for name, account in (stored.people if stored else {}).items()}
    try:
        return Accounts(url=url, manager=manager, people=people)
    except ValidationError as error:
        raise ProblemsError("the environment is not valid:", _problems(error, {"url": URL})) from None


def _parse_people(text: str) -> dict[str, Account]:
    """`ada=ada@museum.example,ben=...` as accounts."""
    people: dict[str, Account] = {}
    problems = []
    for number, part in enumerate(text.split(","), 1):
        name, separator, email = (piece.strip() for piece in part.partition("="))
        where = f"{ASSESSORS}, entry {number}"
        if not separator or not _NAME.fullmatch(name) or "@" not in email:
            problems.append(Problem(where, "must be NAME=ADDRESS, NAME as in params.yaml (a-z, 0-9, - and _)"))
        elif name in people:
            problems.append(Problem(where, f"{name} is named twice"))
        elif email.lower() in {account.email for account in people.values()}:
            what = f"{name} has the same address as somebody before; the server could not tell them apart"
            problems.append(Problem(where, what))
        people[name] = Account(email=email)
    if problems:
        raise ProblemsError(f"{ASSESSORS} is not valid:", problems)
    return people


def _problems(error: ValidationError, names: Mapping[str, str] = {}) -> list[Problem]:
    """What is wrong, by key. Values are left out: they may be secrets."""
    keys = [(".".join(str(part) for part in item["loc"]) or "the file", item["msg"]) for item in error.errors()]
    return [Problem(names.get(key, key), message) for key, message in keys]
