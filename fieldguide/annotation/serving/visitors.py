"""Who may come: everybody whom params.yaml asks, and the manager, each by a key of their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from fieldguide.annotation.label_studio.accounts import Account, Accounts
from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import sha256_bytes

Role = Literal["assessor", "adjudicator", "manager"]
MANAGER = "manager"


@dataclass(frozen=True)
class Visitor:
    """Somebody whose key was accepted; `name` as in params.yaml, `manager` for the manager."""

    name: str
    role: Role


class Keys:
    """The keys that open the pages now. What is held is their hashes: looking one up tells nothing by its time."""

    def __init__(self, accounts: Accounts, annotate: Annotate) -> None:
        """Of the people whom params.yaml names; whoever left has a key in `accounts` that opens nothing."""
        self._visitors: dict[str, Visitor] = {}
        self._add(accounts.manager, Visitor(MANAGER, "manager"))
        for name in annotate.people:
            role: Role = "adjudicator" if name == annotate.adjudicator else "assessor"
            self._add(accounts.people.get(name), Visitor(name, role))

    def _add(self, account: Account | None, visitor: Visitor) -> None:
        if account is not None and account.key is not None:
            self._visitors[_hash(account.key.get_secret_value())] = visitor

    def visitor(self, key: str) -> Visitor | None:
        """Whose key it is; None where it is nobody's."""
        return self._visitors.get(_hash(key))


def with_keys(accounts: Accounts, names: Iterable[str]) -> Accounts:
    """The accounts, in which the manager and everybody named has a key.

    Raises:
        ProblemsError: the server's token of somebody is not known, so that nothing can be given in their name.
    """
    problems = []
    people = dict(accounts.people)
    for name in names:
        account = people.get(name)
        if account is None or account.token is None:
            problems.append(Problem(name, "has no account with a token; `fieldguide label-studio start` makes it"))
        else:
            people[name] = _keyed(account)
    if problems:
        raise ProblemsError("no pages for people in whose name nothing can be given to the server:", problems)
    return accounts.model_copy(update={"manager": _keyed(accounts.manager), "people": people})


def key_of(accounts: Accounts, name: str) -> str:
    """A person's key, or the manager's.

    Raises:
        FieldguideError: there is none.
    """
    account = accounts.manager if name == MANAGER else accounts.people.get(name)
    if account is None or account.key is None:
        raise FieldguideError(f"{name}: has no key; `fieldguide annotate serve` makes it")
    return account.key.get_secret_value()


def _keyed(account: Account) -> Account:
    if account.key is not None:
        return account
    return account.model_copy(update={"key": SecretStr(secrets.token_urlsafe(24))})


def _hash(key: str) -> str:
    return sha256_bytes(key.encode("utf-8", errors="replace"))
