"""Paid or slow calls: each asked once, at the endpoint's pace, within the budget; its answer is kept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import canonical_json, sha256_bytes
from fieldguide.core.paths import Paths
from fieldguide.models.calls import endpoints, rates
from fieldguide.models.calls.budget import Budget
from fieldguide.models.calls.pricing import Usage, cost, price_of
from fieldguide.models.calls.section import Endpoint, Spending, read_calls
from fieldguide.models.calls.store import Call, CallStore, call_key

if TYPE_CHECKING:
    import openai

# An endpoint that asks for more is out of order, or out of quota for the day.
_PATIENCE = 300.0
# No model reads so many; a count beyond is a mistake, and no price of it a number.
_MOST_TOKENS = 10**9


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        kind: `chat`, `images`: whose words stand before its errors.
        endpoint: where, and how fast.
        body: what is sent, as JSON values, files by their sha256; determines the answer, with kind and base_url.
        most: what it may use at most; bounds the price.
        likely: what it will probably use; for estimates and rates.
        variant: of the model's price, such as `medium/1024x1024`.
    """

    kind: str
    endpoint: Endpoint
    body: Mapping[str, Any]
    most: Usage
    likely: Usage
    variant: str = ""

    @property
    def key(self) -> str:
        """The key under which its answer is kept."""
        return call_key(self.kind, self.endpoint.base_url, self.body)


@dataclass(frozen=True)
class EndpointAnswer:
    """What an endpoint's answer says.

    Attributes:
        reply: as JSON values; None for a refusal.
        model: as the endpoint names itself.
        usage: None where it does not count.
        blobs: the files of the reply, in order.
        refused: why it refuses, in its own words; None where it answers.
    """

    reply: Any
    model: str
    usage: Usage | None
    blobs: tuple[bytes, ...] = field(default=())
    refused: str | None = None


Send = Callable[["openai.OpenAI"], bytes]
"""Sends a request and returns the body of the answer."""
Read = Callable[[Any], EndpointAnswer]
"""Reads an answer's JSON; raises UnreadableError where it cannot be used."""


class UnreadableError(ValueError):
    """An answer that cannot be used. `usage` is what it cost all the same, if it says so."""

    def __init__(self, what: str, usage: Usage | None = None) -> None:
        super().__init__(what)
        self.usage = usage


class UnansweredError(FieldguideError):
    """One request got no usable answer, after all retries. Other requests may still be answered."""


class Caller:
    """Asks endpoints.

    Invariant: a request is sent once and its answer or refusal read from `store` ever after, without a key and without
    a connection; errors are not kept. To have it answered anew, change its seed in params.yaml.
    """

    def __init__(
        self, store: CallStore, budget: Budget, spending: Spending, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.store, self.budget, self.spending = store, budget, spending
        self._sleep = sleep
        self._lock = threading.Lock()
        self._rates: dict[str, rates.RateLimit] = {}
        self._clients: dict[tuple[str, float, str], openai.OpenAI] = {}

    def ask(self, request: Request, send: Send, read: Read) -> Call:
        """The call with its answer, from the store if it was asked before.

        Several threads may ask at once; `request.endpoint.concurrency` is for whoever starts them.

        Raises:
            BudgetError: it might cost more than is left; it was not sent.
            UnansweredError: an error after all retries, no answer in time, or an answer that cannot be used.
            FieldguideError: no key, no price, no connection, or an error that asking again does not mend.
        """
        with self.store.asking(request.key):
            kept = self.store.get(request.key)
            if kept is not None:
                return kept
            call, blobs = self._attempts(request, send, read)
            self.store.put(call, blobs)
            return call

    def _attempts(self, request: Request, send: Send, read: Read) -> tuple[Call, tuple[bytes, ...]]:
        """Ask until there is an answer or a refusal; see `ask`."""
        import openai

        spec = request.endpoint
        secret = endpoints.key_of(spec, request.kind)
        rate, client = self._rate(spec), self._client(spec, secret)
        attempt = 0
        while True:
            attempt += 1
            rate.wait(request.likely.input_tokens + request.likely.output_tokens)
            try:
                return self._attempt(request, lambda: send(client), read, attempt)
            except (openai.OpenAIError, ValueError) as error:
                seconds = _wait(error, attempt, spec.retries)
                if seconds is None:
                    why = endpoints.explain(error, secret, attempt)
                    failed = UnansweredError if endpoints.concerns_one(error) else FieldguideError
                    raise failed(f"{request.kind}: {spec.where}: {why}") from None
                if isinstance(error, openai.RateLimitError):
                    rate.pause(seconds)
                self._sleep(seconds)

    def _attempt(
        self, request: Request, send: Callable[[], bytes], read: Read, attempt: int
    ) -> tuple[Call, tuple[bytes, ...]]:
        """Ask once; the budget knows of it before it is sent, and what it came to afterwards, whatever happens."""
        price = price_of(self.spending, request.endpoint, request.variant)
        reservation = self.budget.reserve(f"{request.kind}: {request.endpoint.where}", cost(price, request.most))
        came_to: float | None = None
        asked_at, started = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
        try:
            answer = _answered(send, read, request)
            came_to = cost(price, answer.usage or request.most)
        except UnreadableError as error:
            came_to = None if error.usage is None else cost(price, error.usage)
            raise
        except Exception as error:
            came_to = None if endpoints.may_be_billed(error) else 0.0
            raise
        finally:
            self.budget.settle(reservation, came_to)
        call = Call(
            kind=request.kind, base_url=request.endpoint.base_url, request=dict(request.body), reply=answer.reply,
            refused=answer.refused, model=answer.model, usage=answer.usage or request.most,
            counted=answer.usage is not None, cost=came_to, seconds=round(time.monotonic() - started, 3),
            attempts=attempt, asked_at=asked_at, blobs=tuple(map(sha256_bytes, answer.blobs)),
        )  # fmt: skip
        return call, answer.blobs

    def _rate(self, spec: Endpoint) -> rates.RateLimit:
        with self._lock:
            limits = (spec.requests_per_minute, spec.tokens_per_minute)
            return self._rates.setdefault(spec.where, rates.RateLimit(*limits, sleep=self._sleep))

    def _client(self, spec: Endpoint, secret: str) -> openai.OpenAI:
        """Clients keep connections open, and threads share them."""
        key = (spec.base_url, spec.timeout, secret)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = endpoints.client(spec, secret)
            return self._clients[key]


def open_caller(root: Path) -> Caller:
    """The caller of a repository: with its store, its ledger, and section `calls` of its params.yaml.

    Raises:
        ProblemsError: that section is not valid.
    """
    paths, spending = Paths(root), read_calls(root)
    lock = paths.state / "locks" / "ledger.lock"
    return Caller(CallStore.at(root), Budget(paths.calls / "ledger.jsonl", lock, spending.budget), spending)


def _answered(send: Callable[[], bytes], read: Read, request: Request) -> EndpointAnswer:
    """Send and read. A refusal comes as an error of the SDK and is an answer too."""
    import openai

    try:
        data = send()
    except openai.OpenAIError as error:
        why = endpoints.refusal(error)
        if why is None:
            raise
        return EndpointAnswer(None, request.endpoint.model, Usage(), refused=why)
    try:
        value = json.loads(data)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(f"the answer is not JSON ({error})") from None
    answer = read(value)
    if answer.usage and max(answer.usage.input_tokens, answer.usage.output_tokens) > _MOST_TOKENS:
        raise UnreadableError(f"the answer counts more than {_MOST_TOKENS} tokens")
    try:
        canonical_json([answer.reply, answer.model, answer.refused]).encode()
    except ValueError:  # half of a surrogate pair, or a number that is none
        raise UnreadableError("the answer holds what cannot be stored as JSON", answer.usage) from None
    return answer


def _wait(error: Exception, attempt: int, retries: int) -> float | None:
    """Seconds before the next attempt; None if there is none."""
    if attempt > retries or not endpoints.may_pass(error):
        return None
    response = getattr(error, "response", None)
    asked = rates.retry_after(response.headers) if response is not None else None
    return None if asked is not None and asked > _PATIENCE else rates.backoff(attempt - 1, asked)
