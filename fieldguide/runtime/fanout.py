"""Tasks of a step, spread over what params.yaml's `task_runner` names, by Prefect's task runners."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.core.streaming import usable_cores
from fieldguide.runtime.section import TaskRunner


def task_runner(section: TaskRunner) -> Any:
    """Prefect's task runner.

    Raises:
        FieldguideError: prefect-dask is not installed.
    """
    from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

    if section.kind == "threads":
        return ThreadPoolTaskRunner(max_workers=section.workers or usable_cores())
    if section.kind == "processes":
        return ProcessPoolTaskRunner(max_workers=section.workers or usable_cores())
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError:
        raise FieldguideError("task_runner: kind dask needs the package prefect-dask; install it with pip") from None
    if section.address is not None:
        return DaskTaskRunner(address=section.address)
    workers = section.workers or usable_cores()
    return DaskTaskRunner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None})


def each(work: Any, calls: Iterable[tuple[Any, ...]], ahead: int = 64) -> Iterator[Any]:
    """The results of a Prefect task for each tuple of arguments, in order; at most `ahead` calls are under way.

    Inside a flow run its task runner runs them; in an untracked step this process does, one after the other.
    """
    from prefect.context import FlowRunContext
    from prefect.utilities.annotations import quote

    if FlowRunContext.get() is None:
        yield from (work.fn(*call) for call in calls)
        return
    pending: deque[Any] = deque()
    # Quoted, Prefect does not look through every argument for results of other tasks, pools image by image. What goes
    # to a cluster cannot be quoted: its runner sends the quotes along.
    given: Any = (lambda argument: argument) if on_cluster() else quote
    try:
        for call in calls:
            pending.append(work.submit(*map(given, call)))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.wait()


def spread(work: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """As `each`, of a function of a module, as a task of that name."""
    from prefect import task

    return each(task(work, name=work.__name__), calls)


def on_cluster() -> bool:
    """Whether the tasks of this flow run leave this process."""
    from prefect.context import FlowRunContext
    from prefect.task_runners import ThreadPoolTaskRunner

    context = FlowRunContext.get()
    return context is not None and not isinstance(context.task_runner, ThreadPoolTaskRunner)
