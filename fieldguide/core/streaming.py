"""Work ahead on a stream: in order, with bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def usable_cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_batches(items: Iterable[T], many: int, size_of: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """Items in lists of `many`, or fewer: a list ends with the item by which its sizes reach `most`."""
    batch, held = list[T](), 0
    for item in items:
        batch.append(item)
        held += size_of(item)
        if len(batch) == many or held >= most:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def map_ahead(
    function: Callable[[T], R], items: Iterable[T], *, threads: int | None = None, window: int | None = None
) -> Iterator[R]:
    """`map`, computed by threads some items ahead of the consumer.

    Threads, since decoding, hashing and resizing release Python's lock, and since a stage may itself be a
    fork of a process that has threads.

    Invariant: results come in the order of `items`, whatever the number of threads; at most `window` items
    (default: four a thread) are taken from `items` and not yet consumed.
    """
    threads = threads or usable_cores()
    window = window or 4 * threads
    with ThreadPoolExecutor(threads, thread_name_prefix="ahead") as pool:
        pending: deque[Future[R]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) >= window:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
