"""The flow run of a build that waits for people: suspended in Prefect's data base, carried on by a later process.

A run that waits holds no process: its state is a row of the Prefect server's data base, its id a file beside it,
so that a reboot or a killed server, build or Label Studio changes nothing. Prefect suspends only runs of a
deployment, and so the build is one: a name in Prefect's pages, which no worker serves. Who presses `Resume`
there tells the next `fieldguide build` not to wait any longer.

All of it is called while the Prefect server answers and PREFECT_API_URL names it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open
from fieldguide.core.paths import Paths

_RESUMING = "Resuming"  # Prefect's name for the state of a run that was told to go on


def note(paths: Paths) -> Path:
    """The file that holds the flow run's id."""
    return paths.state / "build-run"


def unfinished(paths: Paths) -> Any | None:
    """The Prefect flow run that an earlier build left: waiting for people, told to go on, or killed.

    None where the last one ended, there was none, or this Prefect server does not know it. The caller holds
    the build's lock: a run that is `Running` has no process any more.
    """
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    try:
        identity = UUID(note(paths).read_text(encoding="utf-8").strip())
    except (FileNotFoundError, ValueError):
        return None
    with _prefect_answers(), get_client(sync_client=True) as client:
        try:
            run = client.read_flow_run(identity)
        except ObjectNotFound:
            return None
    return None if run.state is None or run.state.is_final() else run


def waits(run: Any) -> bool:
    """Whether a flow run is suspended."""
    return bool(run.state.is_paused())


def was_told(run: Any) -> bool:
    """Whether somebody resumed the flow run in Prefect's pages."""
    return bool(run.state.name == _RESUMING)


def pause(reason: str) -> None:
    """Suspend the flow run from inside its body. Does not return.

    The reason goes into the run's log, for whoever looks at it in Prefect's pages.
    """
    from prefect.flow_runs import suspend_flow_run
    from prefect.logging import get_run_logger

    get_run_logger().info(reason)
    suspend_flow_run(key=str(uuid4()))  # Prefect honours a key once in the life of a run


def carry_out(paths: Paths, body: Callable[[], None], left: Any | None = None) -> bool:
    """Run `body` as a new flow run named `build`, or as the one that an earlier process left.

    Returns:
        True if it ended, False if it called `pause`.

    Raises:
        FieldguideError: the Prefect server does not answer; whatever else `body` raises.
    """
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.exceptions import Pause
    from prefect.flow_engine import run_flow

    tracked = flow(name="build", persist_result=False, validate_parameters=False)(body)
    with _prefect_answers():
        with get_client(sync_client=True) as client:
            run = _created(client, tracked) if left is None else _reopened(client, left)
        with atomic_open(note(paths)) as stream:
            stream.write(f"{run.id}\n")
        try:
            run_flow(tracked, flow_run=run)
        except Pause:
            return False
    return True


def _created(client: Any, tracked: Any) -> Any:
    deployment = client.create_deployment(client.create_flow(tracked), name="build")
    return client.create_flow_run_from_deployment(deployment)


def _reopened(client: Any, left: Any) -> Any:
    """The run in a state from which Prefect lets it run: resumed if suspended, scheduled anew if it was killed."""
    from prefect.states import AwaitingRetry

    if waits(left):
        client.resume_flow_run(left.id)
    elif left.state.is_running():
        client.set_flow_run_state(left.id, AwaitingRetry(message="its process was killed"), force=True)
    return client.read_flow_run(left.id)


@contextlib.contextmanager
def _prefect_answers() -> Iterator[None]:
    """Tell of a Prefect server that is gone; the run's state is as it was, and the next build finds it."""
    import httpx

    try:
        yield
    except httpx.HTTPError as error:
        raise FieldguideError(
            f"the Prefect server stopped answering ({type(error).__name__}); see .fieldguide/background.log, "
            "and run `fieldguide build` again: what is finished is kept"
        ) from error
