"""What calls will take, before any is sent: how many, tokens, money, hours."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from fieldguide.core.errors import FieldguideError
from fieldguide.models.calls.caller import Caller, Request
from fieldguide.models.calls.pricing import Usage, cost, price_of
from fieldguide.models.calls.section import Endpoint
from fieldguide.models.calls.store import Call

# Seconds of a call where none like it is in the store.
_SECONDS = {"chat": 4.0, "images": 30.0}
_OTHERWISE = 10.0


@runtime_checkable
class Asks(Protocol):
    """A generator that makes calls: says which, without making them."""

    def request(self, prompt: str, seed: int) -> Request:
        """What `draw` asks for one drawing."""
        ...


@dataclass(frozen=True)
class CallEstimate:
    """Of one stage and one endpoint.

    Attributes:
        stage, model: who asks, and whom.
        calls: to be sent; `stored`: answered before, and free.
        input_tokens, output_tokens, images: of the calls to be sent, probably.
        money: that they will probably cost, and the `most` they can; None without a price.
        hours: at the endpoint's limits and the seconds that calls of this kind took.
        note: what the figures rest on, where they are no plain count; or why there are none.
    """

    stage: str
    model: str
    calls: int = 0
    stored: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    images: int = 0
    money: float | None = 0.0
    most: float | None = 0.0
    hours: float = 0.0
    note: str = ""


def estimate(
    stage: str, requests: Iterable[Request], calls: Caller, history: list[Call], note: str = ""
) -> list[CallEstimate]:
    """One estimate an endpoint, of requests as they will be sent; equal requests are sent once.

    Args:
        stage: who asks.
        requests: what it asks, answered before or not.
        calls: prices.
        history: all calls of the store.
        note: what the requests rest on.
    """
    by_endpoint: dict[str, dict[str, Request]] = {}
    for request in requests:
        by_endpoint.setdefault(request.endpoint.where, {})[request.key] = request
    return [_of(stage, list(unique.values()), calls, history, note) for unique in by_endpoint.values()]


def _of(stage: str, requests: list[Request], calls: Caller, history: list[Call], note: str) -> CallEstimate:
    known = {call.key for call in history}
    wanted = [request for request in requests if request.key not in known]
    spec, kind = requests[0].endpoint, requests[0].kind
    like = [call for call in history if call.refused is None and _alike(call, requests[0])]
    likely = [_likely(request, like) for request in wanted]
    notes = [note] if note else []
    money: float | None = None
    most: float | None = None
    try:
        prices = [price_of(calls.spending, spec, request.variant) for request in wanted]
        money = math.fsum(map(cost, prices, likely))
        most = math.fsum(cost(price, request.most) for price, request in zip(prices, wanted, strict=True))
    except FieldguideError:
        notes.append(f"no price: set calls.prices.{spec.model}")
    tokens = [usage.input_tokens + usage.output_tokens for usage in likely]
    seconds = statistics.median(call.seconds for call in like) if like else _SECONDS.get(kind, _OTHERWISE)
    if wanted and not like:
        notes.append(f"{seconds:g} s a call assumed")
    return CallEstimate(
        stage=stage, model=spec.where, calls=len(wanted), stored=len(requests) - len(wanted),
        input_tokens=sum(usage.input_tokens for usage in likely),
        output_tokens=sum(usage.output_tokens for usage in likely),
        images=sum(usage.images for usage in likely),
        money=money, most=most, hours=hours(spec, len(wanted), sum(tokens), seconds), note="; ".join(notes),
    )  # fmt: skip


def first_message(body: Mapping[str, Any]) -> Any:
    """What a chat model is told first, its instructions; None for any other request."""
    messages = body.get("messages")
    return messages[0] if isinstance(messages, list) and messages else None


def _alike(call: Call, request: Request) -> bool:
    """Whether a call asked the same model, with the same instructions."""
    asked = (call.kind, call.base_url, call.request.get("model"), first_message(call.request))
    return asked == (request.kind, request.endpoint.base_url, request.body["model"], first_message(request.body))


def _likely(request: Request, like: list[Call]) -> Usage:
    """What a request will probably use: a reply is as long as those of this model were so far."""
    counted = [call.usage.output_tokens for call in like if call.counted]
    if not counted:
        return request.likely
    length = min(math.ceil(statistics.fmean(counted)), max(request.most.output_tokens, request.likely.output_tokens))
    return Usage(request.likely.input_tokens, length, request.likely.images)


def hours(spec: Endpoint, calls: int, tokens: int, seconds: float) -> float:
    """The longest of: answering, so many at once; the limit of requests; the limit of tokens."""
    answering = calls * seconds / spec.concurrency
    requests = calls * 60 / spec.requests_per_minute if spec.requests_per_minute else 0.0
    reading = tokens * 60 / spec.tokens_per_minute if spec.tokens_per_minute else 0.0
    return max(answering, requests, reading) / 3600


def verdict(estimates: list[CallEstimate], spent: float, budget: float) -> str:
    """Whether the budget will do, in words."""
    money = math.fsum(e.money or 0.0 for e in estimates)
    most = math.fsum(e.most or 0.0 for e in estimates)
    sums = f"{sum(e.calls for e in estimates)} calls, probably {money:.4f}, at most {most:.4f}, "
    sums += f"{sum(e.hours for e in estimates):.2f} hours; spent {spent:.4f} of calls.budget {budget:.4f}"
    left = budget - spent
    if any(e.money is None for e in estimates):
        return f"{sums}: not known whether that will do, since a price is missing; nothing without one is sent"
    if money > left:
        return f"{sums}: not enough, the build will stop before it is exceeded"
    if most > left:
        return f"{sums}: probably enough"
    return f"{sums}: enough"
