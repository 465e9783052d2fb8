"""How fast an endpoint is asked, and how long to wait before asking again.

The SDK's own retries are off. Each attempt may be billed, so the ledger has to allow each before it is sent, and the
SDK offers no place between its attempts for that: whatever its HTTP client raises it takes for a lost connection.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping

FIRST, LONGEST = 0.5, 60.0
"""Seconds: the longest first wait without a word of the endpoint, and the longest of all."""

# Jitter has to differ between processes that were refused together, and determines no result: it has no seed.
_jitter = random.SystemRandom()


class RateLimit:
    """Spaces requests evenly, so that no minute has more requests or tokens than allowed (a leaky bucket).

    One for each endpoint and process; threads share it.
    """

    def __init__(
        self,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._request = 60 / requests_per_minute if requests_per_minute else 0.0
        self._token = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._clock, self._sleep = clock, sleep
        self._next = self._next_tokens = 0.0
        self._lock = threading.Lock()

    def wait(self, tokens: int) -> None:
        """Return when a request of so many tokens may be sent."""
        with self._lock:
            start = max(self._clock(), self._next, self._next_tokens)
            self._next = start + self._request
            self._next_tokens = start + tokens * self._token
            seconds = start - self._clock()
        if seconds > 0:
            self._sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Nobody asks before so many seconds have passed: one request was told to wait, and all share the limit."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


def backoff(attempt: int, asked: float | None) -> float:
    """Seconds to wait after a failed attempt, counted from 0.

    What the endpoint asks for, and up to a quarter more; else anything up to twice the longest wait before ("full
    jitter": Brooker, Exponential Backoff and Jitter, AWS Architecture Blog 2015).
    """
    if asked is not None:
        return asked * _jitter.uniform(1.0, 1.25)
    return _jitter.uniform(0.0, min(LONGEST, FIRST * 2**attempt))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait: `retry-after-ms`, or `retry-after`; None where it gives no number."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if seconds >= 0:
            return seconds
    return None
