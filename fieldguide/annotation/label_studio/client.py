"""The connection to a Label Studio server: the SDK's client, and its failures in words."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from fieldguide.core.errors import FieldguideError

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

    from fieldguide.annotation.label_studio.accounts import Accounts

TIMEOUT = 60.0
_PAUSES = (0.3, 1.0)
_PASSING = (429, 502, 503, 504)
_DETAIL = 400
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ServerError(FieldguideError):
    """The server could not be reached, or refused.

    Attributes:
        status: of the HTTP reply; None where there was none.
    """

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status

    @property
    def unsure(self) -> bool:
        """A write that ended like this may have been carried out all the same: look before it is repeated."""
        return self.status is None or self.status >= 500

    @property
    def passes(self) -> bool:
        """It may pass by itself: the server is away or busy, or a project was deleted while it was read."""
        return self.unsure or self.status in (404, 429)


def connect(accounts: Accounts, timeout: float = TIMEOUT) -> LabelStudio:
    """A client that speaks as the manager of `accounts`; opens no connection yet.

    Legacy tokens and personal access tokens are both understood; of the latter, the SDK fetches short-lived access
    tokens by itself. What only reads is repeated a little where the server is away for a moment; what writes is
    never repeated, unless no connection came about.

    Args:
        timeout: seconds that the server may be silent.

    Raises:
        FieldguideError: no token, or one that has expired.
    """
    from label_studio_sdk import LabelStudio

    token = accounts.manager.token
    if token is None or not token.get_secret_value().strip():
        raise FieldguideError(
            f"no token for {_plain(accounts.url)}: put the manager's in the environment variable LABEL_STUDIO_API_KEY, "
            "or start one of your own, `fieldguide label-studio start`"
        )
    # A proxy of the environment is for the net, not for a server on this machine.
    http = _Http(timeout=timeout, follow_redirects=False, trust_env=urlsplit(accounts.url).hostname not in _LOOPBACK)
    with speaking(accounts.url):
        # The SDK's own retries would send an import again whose answer was lost: they are off.
        return LabelStudio(
            base_url=accounts.url.rstrip("/") + "/",  # the SDK joins the address of its tokens to it
            api_key=token.get_secret_value().strip(),
            httpx_client=http,
            timeout=timeout,
            max_retries=0,
        )


@contextmanager
def speaking(url: str) -> Iterator[None]:
    """Turn every failure of the server, and of the way to it, into words. No token, address of a person or header.

    Raises:
        ServerError: what happened, and what to do.
    """
    from label_studio_sdk.core.api_error import ApiError
    from label_studio_sdk.core.parse_error import ParsingError

    where = _plain(url)
    try:
        yield
    except ApiError as error:
        raise _refusal(where, error.status_code, error.body, error.headers or {}) from None
    except ParsingError as error:
        raise ServerError(f"{where}: {_STRANGE}", error.status_code) from None
    except httpx.TimeoutException:
        raise ServerError(
            f"{where}: no answer in time; see whether the server is overloaded, then do the same again: "
            "nothing is done twice"
        ) from None
    except httpx.TransportError as error:
        raise ServerError(
            f"{where}: cannot be reached ({_clean(str(error)) or type(error).__name__}); start the server with "
            "`fieldguide label-studio start`, or set LABEL_STUDIO_URL to the address of another"
        ) from None
    except httpx.InvalidURL as error:
        raise ServerError(f"{where}: is no address ({_clean(str(error))}); set LABEL_STUDIO_URL") from None
    except json.JSONDecodeError:
        raise ServerError(f"{where}: {_STRANGE}") from None


def address_of(client: LabelStudio) -> str:
    """The server's address, without user name and password."""
    return _plain(client._client_wrapper.get_base_url()).rstrip("/")


_STRANGE = (
    "the reply is not what Label Studio sends; LABEL_STUDIO_URL must be the address of the server itself, "
    "and no proxy or log-in page may stand before it"
)


class _Http(httpx.Client):
    """Repeats what no server can have seen, and what only reads, if the trouble may pass."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        for pause in _PAUSES:
            try:
                response = super().send(request, **options)
                if request.method != "GET" or response.status_code not in _PASSING:
                    return response
                response.close()
            except (httpx.ConnectError, httpx.ConnectTimeout):
                pass
            except (httpx.RemoteProtocolError, httpx.ReadError):
                if request.method != "GET":
                    raise
            time.sleep(pause)
        return super().send(request, **options)


def _refusal(where: str, status: int | None, body: object, headers: dict[str, str]) -> ServerError:
    said = _words(body)
    if status is None:
        text = said or "no answer"
    elif status < 300:
        text = _STRANGE
    elif status < 400:
        aim = _plain(headers.get("location", "elsewhere"))
        text = f"sends on to {aim}; set LABEL_STUDIO_URL to where the server really is"
    elif status in (401, 403):  # what the server says is left out: it may quote the token
        text = (
            "the token is not accepted, has expired or may not do this; give the manager's in LABEL_STUDIO_API_KEY, "
            "or start it anew with `fieldguide label-studio start`"
        )
    elif status == 404:
        text = (
            "not there: a project or task may have been deleted on the server; `fieldguide annotate push` makes anew "
            "what is missing"
        )
    elif status >= 500:
        text = f"the server failed; look into its log, then do the same again: nothing is done twice. {said}".rstrip()
    else:
        text = said or "refused"
    http = f"HTTP {status}: " if status is not None and status >= 300 else ""
    return ServerError(f"{where}: {http}{text}", status)


def _words(body: object) -> str:
    """What a server says of an error, cut short; a page of HTML says nothing."""
    if isinstance(body, dict):
        parts = [body.get("validation_errors"), body.get("detail")]
        body = "; ".join(json.dumps(p, ensure_ascii=False) if not isinstance(p, str) else p for p in parts if p) or body
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str) if body else ""
    return "" if text.lstrip()[:1] == "<" else _clean(text)


def _clean(text: str) -> str:
    """Without what might be a person's address or a token, on one line, cut short."""
    text = re.sub(r"[^\s\"'<>,;]+@[^\s\"'<>,;]+", "(address)", text)
    text = re.sub(r"\b[\w-]{16,}\.[\w-]{16,}\.[\w-]{16,}|\b[0-9a-f]{40}\b", "(token)", text)
    text = " ".join(text.split())
    return text if len(text) <= _DETAIL else text[:_DETAIL] + " ..."


def _plain(url: str) -> str:
    """An address without user name, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an address that cannot be read)"
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
