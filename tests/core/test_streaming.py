from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.core.streaming import in_batches, map_ahead


def test_results_keep_the_order_of_the_items() -> None:
    first_may_end = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            first_may_end.wait(10)
        if number == 3:
            first_may_end.set()
        return number * number

    assert list(map_ahead(work, range(8), threads=4)) == [n * n for n in range(8)]


def test_no_more_is_taken_than_the_window_holds() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    results = map_ahead(lambda n: n, items(), threads=2, window=5)
    for consumed in range(1, 11):
        next(results)
        assert len(taken) <= consumed + 5 - 1


def test_an_error_reaches_the_consumer() -> None:
    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    results = map_ahead(work, range(5), threads=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 5), st.integers(1, 20))
def test_batches_hold_every_item_once_and_end_where_they_are_full(sizes: list[int], many: int, most: int) -> None:
    batches = list(in_batches(sizes, many, lambda size: size, most))
    assert [size for batch in batches for size in batch] == sizes
    assert all(len(batch) <= many and sum(batch[:-1]) < most for batch in batches)
    assert all(len(batch) == many or sum(batch) >= most for batch in batches[:-1])
