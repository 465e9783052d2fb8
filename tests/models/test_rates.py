"""Pace and waits, with a clock of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.models.calls.rates import LONGEST, RateLimit, backoff, retry_after


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@given(
    requests=st.integers(1, 600) | st.none(),
    tokens=st.integers(100, 10_000) | st.none(),
    sizes=st.lists(st.integers(1, 2000), min_size=1, max_size=60),
    pauses=st.lists(st.floats(0, 5), min_size=60, max_size=60),
)
def test_no_minute_has_more_requests_or_tokens_than_allowed(
    requests: int | None, tokens: int | None, sizes: list[int], pauses: list[float]
) -> None:
    clock = Clock()
    rate = RateLimit(requests, tokens, clock, clock.sleep)
    sent = []
    for size, pause in zip(sizes, pauses, strict=False):
        clock.now += pause
        rate.wait(size)
        sent.append((clock.now, size))
    for start, first in sent:
        within = [size for moment, size in sent if start <= moment < start + 60 - 1e-6]
        if requests:
            assert len(within) <= requests + 1
        if tokens:  # the last of them may begin within the minute, whatever its size
            assert sum(within[:-1]) <= tokens + first


def test_without_limits_nobody_waits() -> None:
    clock = Clock()
    rate = RateLimit(None, None, clock, clock.sleep)
    for _ in range(100):
        rate.wait(10_000)
    assert clock.now == 1000.0


def test_one_that_is_told_to_wait_holds_up_the_others() -> None:
    clock = Clock()
    rate = RateLimit(None, None, clock, clock.sleep)
    rate.pause(7)
    rate.wait(1)
    assert clock.now == 1007.0


def test_waits_are_jittered_grow_and_end() -> None:
    waits = [[backoff(attempt, None) for _ in range(200)] for attempt in (0, 3, 20)]
    assert [max(some) for some in waits] == sorted(max(some) for some in waits)
    for some, limit in zip(waits, (0.5, 4.0, LONGEST), strict=True):
        assert all(0 <= wait <= limit for wait in some)
        assert len(set(some)) > 100
    assert all(3.0 <= backoff(0, 3.0) <= 3.75 for _ in range(100))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after-ms": "x", "retry-after": "2"}, 2.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({}, None),
    ],
)
def test_what_an_endpoint_asks_for(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers) == expected
