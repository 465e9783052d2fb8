"""Clients of OpenAI-compatible endpoints, and their errors in words. The key is in no message."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from fieldguide.core.errors import FieldguideError
from fieldguide.models.calls.section import Endpoint

if TYPE_CHECKING:
    import openai

_DETAIL = 300
_SECRET = 8
# A reply of ten images of 4096 x 4096 pixels as base64 is about half of it.
_LARGEST = 1 << 28
_REFUSALS = frozenset({"content_policy_violation", "moderation_blocked", "content_filter"})
# Waiting does not bring money.
_LASTING = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


def key_of(spec: Endpoint, kind: str) -> str:
    """The key of an endpoint, from the environment.

    Raises:
        FieldguideError: there is none.
    """
    secret = os.environ.get(spec.api_key_variable, "").strip()
    if not secret:
        raise FieldguideError(
            f"{kind}: the environment variable {spec.api_key_variable} is empty; put the key of {spec.where} in it "
            "(any text for an endpoint without keys)"
        )
    return secret


def client(spec: Endpoint, secret: str) -> openai.OpenAI:
    """A client that asks once, follows no redirects, and ends an answer at `spec.timeout` whatever comes meanwhile."""
    import openai

    return openai.OpenAI(
        api_key=secret, base_url=spec.base_url, timeout=spec.timeout, max_retries=0,
        http_client=_bounded()(timeout=spec.timeout),
    )  # fmt: skip


@cache
def _bounded() -> Any:
    """HTTP clients that read `_LARGEST` bytes at most, and no longer than the timeout, which httpx counts by byte."""
    import httpx

    class Stream(httpx.SyncByteStream):
        def __init__(self, inner: Any, until: float) -> None:
            self._inner, self._until = inner, until

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for piece in self._inner:
                size += len(piece)
                if time.monotonic() > self._until:
                    raise httpx.ReadTimeout("the answer came too slowly")
                if size > _LARGEST:
                    raise httpx.DecodingError(f"the answer has more than {_LARGEST} bytes")
                yield piece

        def close(self) -> None:
            self._inner.close()

    class Client(httpx.Client):
        def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
            until = time.monotonic() + (self.timeout.read or 0)
            response = super().send(request, stream=True, **options)
            response.stream = Stream(response.stream, until)
            if not stream:
                try:
                    response.read()
                finally:
                    response.close()
            return response

    return Client


def refusal(error: Exception) -> str | None:
    """Why an endpoint refuses to answer what it was asked, or None where something else is wrong."""
    import openai

    if isinstance(error, openai.BadRequestError) and error.code in _REFUSALS:
        return _words(error)[:_DETAIL]
    return None


def may_pass(error: Exception) -> bool:
    """Whether asking again may help: a lost connection, no answer in time, HTTP 408, 409, 429 and 5xx."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return (error.status_code in (408, 409, 429) or error.status_code >= 500) and error.code not in _LASTING
    return isinstance(error, openai.APIConnectionError)  # timeouts are among them


def may_be_billed(error: Exception) -> bool:
    """Whether a request was sent and no status came back: the endpoint may have answered it, and may bill it."""
    import httpx
    import openai

    cause = error.__cause__
    return isinstance(error, openai.APIConnectionError) and not isinstance(
        cause, httpx.ConnectError | httpx.ConnectTimeout
    )


def concerns_one(error: Exception) -> bool:
    """Whether the error is of this request alone: the endpoint is there and takes the key, so others may succeed."""
    import httpx

    return not isinstance(error.__cause__, httpx.ConnectError) and (may_pass(error) or isinstance(error, ValueError))


def explain(error: Exception, secret: str, attempts: int) -> str:
    """An error in words, without the request, its headers and the key; `attempts`: how often it was tried."""
    why = _explained(error)[:_DETAIL]
    if attempts > 1:
        why += f" (tried {attempts} times)"
    # A shorter key is a word for an endpoint without keys, and may be part of any other word.
    return why.replace(secret, "***") if len(secret) >= _SECRET else why


def _explained(error: Exception) -> str:
    import openai

    if isinstance(error, openai.APITimeoutError):
        return "no answer in time; raise `timeout` or look at the endpoint"
    if isinstance(error, openai.APIConnectionError):
        return f"cannot be reached ({error.__cause__ or error})"
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        # The body is left out: some endpoints quote the key in it.
        return f"HTTP {error.status_code}: the key is not accepted"
    if isinstance(error, openai.APIStatusError):
        return f"HTTP {error.status_code}: {_words(error)}"
    return str(error)


def _words(error: Any) -> str:
    """What the endpoint says, without the rest of its error."""
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    return str(said or error.message)
