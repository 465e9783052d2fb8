"""The Prefect server of a build: one for its duration, on a free port of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.runtime.process import die_with_parent

_START_SECONDS = 90.0
_ANSWER_SECONDS = 10.0
_END_SECONDS = 2.0
# Loopback never goes through a proxy, whatever http_proxy says.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@contextlib.contextmanager
def server(root: Path) -> Iterator[str]:
    """The API address of a Prefect server that answers: the one that PREFECT_API_URL names, or one of our own.

    Raises:
        FieldguideError: it does not answer, or ended while it started; its log is named.
    """
    given = os.environ.get("PREFECT_API_URL")
    if given:
        require(given)
        yield given
        return
    state = Paths(root).state.absolute()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, log = f"http://127.0.0.1:{port}/api", state / "prefect-server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    # Of its services a build needs those that record tasks and schedule the next look.
    idle = ("FOREMAN", "LATE_RUNS", "PAUSE_EXPIRATIONS", "CANCELLATION_CLEANUP", "TRIGGERS")
    off = {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in idle}
    environment = {**off, **os.environ, "PREFECT_API_URL": address}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
    try:
        _await(address, process, log)
        with _watched(process, log):
            yield address
    finally:
        process.terminate()  # the last tasks are recorded on the way out
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(ProcessLookupError):  # what it had started, and could not end in time
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _watched(process: subprocess.Popen[bytes], log: Path) -> Iterator[None]:
    """End this process as SIGTERM does when the server ends before it: every call of a step would be tried for minutes.

    Raises:
        FieldguideError: it ended.
    """
    over, ended = threading.Event(), threading.Event()

    def watch() -> None:
        process.wait()
        if not over.is_set():
            ended.set()
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    except BaseException:
        if ended.is_set():
            raise FieldguideError(
                f"the Prefect server of this build ended (status {process.returncode}); see {log}; "
                "what was finished is kept: run it again to go on"
            ) from None
        raise
    finally:
        over.set()


@contextlib.contextmanager
def tracking(address: str) -> Iterator[None]:
    """This process and those that it starts track in the Prefect server of that API address."""
    from prefect.logging.handlers import APILogHandler
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    given = os.environ.get("PREFECT_API_URL")
    os.environ["PREFECT_API_URL"] = address
    try:
        # Of this process, not of the steps: a build whose server is gone ends at once.
        with temporary_settings({PREFECT_API_URL: address, PREFECT_CLIENT_MAX_RETRIES: 1}):
            try:
                yield
            finally:
                APILogHandler().flush()  # while the server still answers: later it would be asked again and again
    finally:
        if given is None:
            del os.environ["PREFECT_API_URL"]


def answers(address: str) -> bool:
    """Whether the Prefect server of that API address answers now."""
    with contextlib.suppress(OSError, ValueError), _open(f"{address}/health", timeout=5):
        return True
    return False


def require(address: str) -> None:
    """Return when the Prefect server answers.

    Raises:
        FieldguideError: it does not.
    """
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not answers(address):
        if time.monotonic() > deadline:
            raise FieldguideError(
                f"no Prefect server answers at {address} (PREFECT_API_URL); start it, or unset the variable"
            )
        time.sleep(0.2)


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not answers(address):
        if process.poll() is not None:
            raise FieldguideError(f"the Prefect server ended while it started (status {process.returncode}); see {log}")
        if time.monotonic() > deadline:
            raise FieldguideError(f"the Prefect server did not answer within {_START_SECONDS:.0f} s; see {log}")
        time.sleep(0.1)


def report_crashes() -> None:
    """Mark flow runs that a killed build left `Running`: the caller holds the build's lock, so nothing runs."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.states import Crashed

    running = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING"]}}})
    with get_client(sync_client=True) as client:
        for left in client.read_flow_runs(flow_run_filter=running):
            client.set_flow_run_state(left.id, Crashed(message="its process was killed"), force=True)


@contextlib.contextmanager
def without_heartbeat() -> Iterator[None]:
    """Flows send no heartbeat: joining its thread would take each of them a second."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield
