"""What a call costs: prices of params.yaml, and bounds on tokens that need no tokenizer."""

from __future__ import annotations

import ipaddress
import math
from urllib.parse import urlsplit

from fieldguide.core.errors import FieldguideError
from fieldguide.models.calls.section import Endpoint, Price, Spending
from fieldguide.models.calls.store import Usage

__all__ = ["Usage", "cost", "is_local", "price_of", "tokens_at_most", "tokens_likely"]

_FREE = Price()


def cost(price: Price, usage: Usage) -> float:
    """Money for `usage`, in the currency of the prices."""
    tokens = usage.input_tokens * price.input + usage.output_tokens * price.output
    return tokens / 1_000_000 + usage.images * price.image


def price_of(calls: Spending, endpoint: Endpoint, variant: str = "") -> Price:
    """The price of a model, or of a variant of it (`medium/1024x1024`), the most specific that params.yaml has.

    Raises:
        FieldguideError: there is none, and the address is not of this machine.
    """
    parts = [endpoint.model, *(variant.split("/") if variant else [])]
    names = ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
    for name in names:
        if name in calls.prices:
            return calls.prices[name]
    if is_local(endpoint.base_url):
        return _FREE
    raise FieldguideError(
        f"params.yaml: calls.prices has no {' or '.join(map(repr, names))}; without it no budget can be kept. Give "
        "its `input` and `output` for a million tokens and its `image`; all zeros where it costs nothing"
    )


def is_local(address: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def tokens_at_most(text: str) -> int:
    """A bound that holds for every tokenizer over bytes (Radford et al. 2019, section 2.2): a token has a byte."""
    return len(text.encode())


def tokens_likely(text: str) -> int:
    """About four characters a token, as English text has with such tokenizers; for estimates, never for a budget."""
    return math.ceil(len(text) / 4)
