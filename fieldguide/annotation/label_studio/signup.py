"""Users of the local Label Studio, made as people make them: an invitation, the sign-up form, an own token.

Users made through its API belong to no organisation and cannot sign in, so the form it is. Whoever calls may be
killed at any moment: an account's password is stored before the server hears of it, and signing in comes first.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from html import unescape
from re import findall

import httpx
from pydantic import SecretStr

from fieldguide.annotation.label_studio.accounts import Account, Accounts
from fieldguide.core.errors import FieldguideError

DOMAIN = "annotators.invalid"  # RFC 2606: no mail can ever be sent there


def new_account(name: str) -> Account:
    """An account that no server knows yet, with an address of its own and a random password."""
    return Account(email=f"{name}@{DOMAIN}", password=SecretStr(secrets.token_urlsafe(18)))


def admit(
    accounts: Accounts,
    names: Iterable[str],
    save: Callable[[Accounts], None],
    reset: Callable[[Account], None],
) -> Accounts:
    """Make sure that the server knows the manager and everybody named, each with an own token that it accepts.

    Whatever is missing is made, whatever no longer works is mended; doing it again changes nothing.

    Args:
        accounts: what is known; with the manager's password.
        names: of the people.
        save: called with every step, before the server is told of a new password and after each token.
        reset: gives a user of the server the password that is stored, without asking the server.

    Raises:
        FieldguideError: the server does not answer, or accepts an account neither by token nor by password.
    """
    url = accounts.url
    with _speaking(url):
        manager = _with_token(url, accounts.manager) or _by_password(url, accounts.manager, manages=True)
        if manager is None:
            reset(accounts.manager)
            manager = _accepted(_by_password(url, accounts.manager, manages=True), "the manager")
        accounts = _kept(accounts.model_copy(update={"manager": manager}), accounts, save)
        people = accounts.people | {name: new_account(name) for name in names if name not in accounts.people}
        accounts = _kept(accounts.model_copy(update={"people": people}), accounts, save)
        with _invitation(accounts) as invitation:
            for name, account in people.items():
                known = _with_token(url, account) or _by_password(url, account)
                if known is None:
                    if not _sign_up(url, invitation(), account, name):
                        reset(account)
                    known = _accepted(_by_password(url, account), name)
                changed = accounts.model_copy(update={"people": accounts.people | {name: known}})
                accounts = _kept(changed, accounts, save)
    return accounts


def _kept(new: Accounts, old: Accounts, save: Callable[[Accounts], None]) -> Accounts:
    if new != old:
        save(new)
    return new


def _accepted(account: Account | None, who: str) -> Account:
    if account is None:
        raise FieldguideError(f"the server accepts neither the token nor the password that accounts.json has for {who}")
    return account


@contextlib.contextmanager
def _speaking(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise FieldguideError(f"{url}: the server does not answer as it should: {_words(error)}") from None


def _words(error: httpx.HTTPError) -> str:
    """What went wrong, without the query, which holds the invitation."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"{error.response.status_code} to {error.request.method} {error.request.url.path}"
    return str(error) or type(error).__name__


def _browser(url: str, **headers: str) -> httpx.Client:
    # The server is on this machine: a proxy of the environment must not see it.
    return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60)


def _with_token(url: str, account: Account) -> Account | None:
    """The account with the server's number of its user; None where the server does not accept its token."""
    if account.token is None:
        return None
    with _browser(url, Authorization=f"Token {account.token.get_secret_value()}") as browser:
        answer = browser.get("/api/current-user/whoami")
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            return None
        return account.model_copy(update={"user_id": answer.raise_for_status().json()["id"]})


def _by_password(url: str, account: Account, *, manages: bool = False) -> Account | None:
    """The account with its token, for which it signs in; None where the server does not accept its password."""
    if account.password is None:
        return None
    with _browser(url) as browser:
        form = {"email": account.email, "password": account.password.get_secret_value()}
        if not _send(browser, "/user/login/", form).is_redirect:
            return None
        if manages:  # anybody can switch these tokens off, and then nobody's is accepted
            settings = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True}
            csrf = {"X-CSRFToken": browser.cookies["csrftoken"]}
            browser.post("/api/jwt/settings", json=settings, headers=csrf).raise_for_status()
        token = browser.get("/api/current-user/token").raise_for_status().json()["token"]
    return _with_token(url, account.model_copy(update={"token": SecretStr(token)}))


def _sign_up(url: str, invitation: str, account: Account, name: str) -> bool:
    """Fill in the sign-up form; False where the server has a user of that address already.

    Raises:
        FieldguideError: the form comes back; what it says.
    """
    password = account.password.get_secret_value() if account.password else ""
    with _browser(url) as browser:
        form = {"email": account.email, "password": password}
        answer = _send(browser, f"/user/signup/?token={invitation}", form)
    said = "; ".join(unescape(text).strip() for text in findall(r'field_errors">\s*<li>([^<]*)', answer.text))
    if "already exists" in said:
        return False
    if not answer.is_redirect:
        raise FieldguideError(f"{name} could not be signed up: {said or f'status {answer.status_code}'}")
    return True


def _send(browser: httpx.Client, path: str, form: dict[str, str]) -> httpx.Response:
    """Fill in one of the server's forms as a browser does: open it first, for the token against forged requests."""
    browser.get(path).raise_for_status()
    answer = browser.post(path, data=form | {"csrfmiddlewaretoken": browser.cookies["csrftoken"]})
    if answer.is_error:
        answer.raise_for_status()
    return answer


@contextlib.contextmanager
def _invitation(accounts: Accounts) -> Iterator[Callable[[], str]]:
    """Gives an invitation when asked; afterwards it is worthless, also to whoever reads the server's log."""
    token = accounts.manager.token
    taken: list[str] = []
    with _browser(accounts.url, Authorization=f"Token {token.get_secret_value() if token else ''}") as browser:

        def invitation() -> str:
            if not taken:
                taken.append(browser.get("/api/invite").raise_for_status().json()["token"])
            return taken[0]

        try:
            yield invitation
        finally:
            if taken:
                browser.post("/api/invite/reset-token").raise_for_status()
