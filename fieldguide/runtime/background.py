"""One background process for all stages of a repro: a Prefect server, and Prefect itself, loaded once.

A stage in a process of its own would pay 7-9 s for a temporary Prefect server and 1 s for importing Prefect.
Instead the process that DVC starts sends its arguments, environment and standard streams over a Unix socket to
this background process, which forks: the child has Prefect loaded, imports the project's modules afresh (no
stage runs stale code) and runs the stage. When nothing has
run for a while the background process ends itself and its server.

Who dies with whom, by whatever signal:
- the starting process asks the kernel to die with its parent (DVC's shell);
- when the starting process is gone its connection closes, and the background process kills the fork's whole group;
- forks and the server ask the kernel to die with the background process; the starting process then reports that.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import multiprocessing
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from pathlib import Path

from fieldguide.core.paths import Paths
from fieldguide.runtime.client import MESSAGE, socket_address, state_folder, wait_for_server
from fieldguide.runtime.lifetime import die_with_parent
from fieldguide.runtime.quiet import QUIET_ENVIRONMENT

IDLE_SECONDS = 60.0
_FORK = multiprocessing.get_context("fork")
_STOP = object()
# Prefect imports some of these only when a flow first runs, which in a fork is every time.
_PRELOADED = (
    "anyio._backends._asyncio", "encodings.idna", "fastapi", "prefect.client.orchestration", "prefect.flow_engine",
    "prefect.main", "prefect.utilities.visualization", "yaml",
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What a fork has to run, on which streams."""

    module: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    streams: list[int]
    parent: int

    def run(self, address: str, server_ready: Callable[[], None], inherited: list[socket.socket]) -> None:
        """Become the stage: its own process group, streams, folder and environment; then run it and exit."""
        os.setsid()
        die_with_parent()
        if os.getppid() != self.parent:
            sys.exit(1)
        for connection in inherited:
            connection.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for standard, given in enumerate(self.streams):
            os.dup2(given, standard)
            os.close(given)
        sys.stdin, sys.stdout, sys.stderr = (
            open(0, closefd=False),  # noqa: SIM115
            open(1, "w", buffering=1, closefd=False),  # noqa: SIM115
            open(2, "w", buffering=1, closefd=False),  # noqa: SIM115
        )
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update({**QUIET_ENVIRONMENT, **self.environment, "PREFECT_API_URL": address})
        sys.path.insert(0, self.folder)
        for name in [name for name in sys.modules if name.partition(".")[0] in ("fieldguide", "annotation", "flows")]:
            del sys.modules[name]
        from fieldguide.runtime.tracking import run_stage

        sys.exit(run_stage(self.module, self.arguments, server_ready))


@dataclass
class Server:
    """The Prefect server of the background process, or the one that PREFECT_API_URL names."""

    address: str
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, state: Path) -> Server:
        """Start one on a free port of the loopback interface, its records under `state`; does not wait for it."""
        given = os.environ.get("PREFECT_API_URL")
        if given:
            return cls(given)
        os.environ.setdefault("PREFECT_HOME", str(state / "prefect"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        address = f"http://127.0.0.1:{port}/api"
        os.environ["PREFECT_API_URL"] = address
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen([*command, "--no-services"], preexec_fn=die_with_parent)  # noqa: PLW1509
        return cls(address, process)

    def wait(self) -> None:
        """Return when it answers; raises as `wait_for_server`."""
        wait_for_server(self.address)

    def stop(self) -> None:
        """End the server, if it is ours."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()


@dataclass
class Background:
    """The loop of the background process: accepts requests, forks, reports exits, ends when idle.

    Invariant: it has one thread, so that a fork is safe; forks forget the few project modules that it
    has loaded, so that their code is fresh.
    """

    listener: socket.socket
    server: Server
    idle_seconds: float
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    guests: set[socket.socket] = field(default_factory=set)
    forks: dict[socket.socket, ForkProcess] = field(default_factory=dict)

    def serve(self) -> None:
        """Return when nothing has run for `idle_seconds`, or when told to stop."""
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        self._report_crashes()
        last = time.monotonic()
        while time.monotonic() - last < self.idle_seconds or self.guests:
            for key, _ in self.selector.select(timeout=1.0):
                last = time.monotonic()
                if key.data(key.fileobj) is _STOP:
                    return

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        self.guests.add(connection)
        self.selector.register(connection, selectors.EVENT_READ, self._request)

    def _request(self, connection: socket.socket) -> object:
        """Answer one request; a request with a module is answered by a fork that runs it."""
        message, streams, _, _ = socket.recv_fds(connection, 4 * MESSAGE, 3)
        if not message:
            self._forget(connection)
            return None
        request = json.loads(message)
        if "module" not in request:
            connection.send(json.dumps({"address": self.server.address}).encode())
            return _STOP if request.get("stop") else None
        connection.send(b'{"accepted": true}')
        job = Job(**request, streams=list(streams), parent=os.getpid())
        inherited = [self.listener, *self.guests]
        process = _FORK.Process(target=job.run, args=(self.server.address, self.server.wait, inherited))
        process.start()
        for stream in streams:
            os.close(stream)
        self.forks[connection] = process
        self.selector.modify(connection, selectors.EVENT_READ, self._while_running)
        self.selector.register(process.sentinel, selectors.EVENT_READ, lambda _: self._exited(connection))
        return None

    def _while_running(self, connection: socket.socket) -> None:
        """The starting process interrupts its stage, or is gone: then so is the stage."""
        try:
            message = connection.recv(MESSAGE)
        except ConnectionResetError:
            message = b""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.forks[connection].pid or 0, signal.SIGINT if message else signal.SIGKILL)
        if not message:
            self.selector.unregister(connection)  # `_exited` does the rest

    def _exited(self, connection: socket.socket) -> None:
        process = self.forks.pop(connection)
        self.selector.unregister(process.sentinel)
        process.join()
        code = process.exitcode or 0
        if code < 0:
            self._report_crashes()
        with contextlib.suppress(OSError):
            connection.send(json.dumps({"exit": code if code >= 0 else 128 - code}).encode())
        self._forget(connection)

    def _report_crashes(self) -> None:
        """In a fork of its own, since it waits for the server: killed stages must not stay `Running` in its records."""
        _FORK.Process(target=_report_crashes, args=(self.server,)).start()

    def _forget(self, connection: socket.socket) -> None:
        self.guests.discard(connection)
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(connection)
        connection.close()


def _report_crashes(server: Server) -> None:
    from fieldguide.runtime.tracking import report_crashes

    os.environ["PREFECT_API_URL"] = server.address
    server.wait()
    report_crashes(Paths())


def _preload() -> None:
    """Load what every stage needs and no one edits; none of these starts a thread when it is imported."""
    for name in _PRELOADED:
        importlib.import_module(name)
    gc.freeze()


def main() -> None:
    """Be the background process of the working folder: `python -m fieldguide.runtime.background SOCKET`."""
    name = sys.argv[1]
    state = state_folder(Path.cwd())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    (state / name).unlink(missing_ok=True)
    with socket_address(state, name) as address:
        listener.bind(address)
    (state / name).chmod(0o600)
    listener.listen(16)
    server = Server.start(state)
    _preload()
    from fieldguide.runtime.tracking import without_heartbeat

    with without_heartbeat():  # forks inherit it; in each of them it would take 0.1 s
        Background(listener, server, float(os.environ.get("FIELDGUIDE_IDLE_SECONDS", IDLE_SECONDS))).serve()
    (state / name).unlink(missing_ok=True)
    server.stop()


if __name__ == "__main__":
    main()
