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
import ctypes
import gc
import hashlib
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

from fieldguide.errors import FieldguideError
from fieldguide.files import locked
from fieldguide.places import Places

IDLE_SECONDS = 60.0
START_SECONDS = 90.0
_MESSAGE = 1 << 17
_PR_SET_PDEATHSIG = 1
_FORK = multiprocessing.get_context("fork")
_STOP = object()
# Prefect imports some of these only when a flow first runs, which in a fork is every time.
_PRELOADED = (
    "anyio._backends._asyncio", "encodings.idna", "fastapi", "prefect.client.orchestration", "prefect.flow_engine",
    "prefect.main", "prefect.utilities.visualization", "yaml",
)  # fmt: skip
# Read when a library is loaded, and therefore fixed for the life of the background process.
_BIRTH_VARIABLES = ("PREFECT_API_URL", "PREFECT_HOME", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED")

# No dependency may report home, and none may look for updates or models over the network unasked.
QUIET_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


def supported() -> bool:
    """Whether this system has what the background process needs (Linux: pidfd, parent-death signals)."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends. Linux only; elsewhere it does nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _state(root: Path) -> Path:
    state = Places(root).state.absolute()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return state


def _identity() -> str:
    """Tells apart background processes of other installations or settings; part of the socket's name."""
    birth = {name: os.environ.get(name) for name in _BIRTH_VARIABLES}
    # Not sys.executable: `python` and `python3.11` of one environment are the same installation.
    parts = [sys.prefix, sys.version, version("prefect"), json.dumps(birth)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@contextlib.contextmanager
def _address(state: Path, name: str) -> Iterator[str]:
    """A short path to the socket: `sun_path` holds 108 bytes only, and working folders may lie deep."""
    descriptor = os.open(state, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


# --- the starting process ----------------------------------------------------------------------------------------


def submit(module: str, arguments: list[str], root: Path | None = None) -> int:
    """Run a stage's module in a fork of the background process, on this process's streams; return its exit status."""
    die_with_parent()
    root = Path.cwd() if root is None else root
    request = {"module": module, "arguments": arguments, "folder": str(root), "environment": dict(os.environ)}
    for _ in range(3):
        with _connect(root) as connection:
            socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
            if _receive(connection) is None:
                continue  # it was ending itself just then; the next one takes over
            return _await_exit(connection, module)
    print(f"{module}: the background process keeps ending; see .fieldguide/background.log", file=sys.stderr)
    return 1


@contextlib.contextmanager
def background_server(root: Path) -> Iterator[str]:
    """The API address of the background Prefect server, which answers and stays up for as long as this is held.

    Raises:
        FieldguideError: it does not start.
    """
    for _ in range(3):
        with _connect(root) as connection:
            connection.send(json.dumps({"address": True}).encode())
            reply = _receive(connection)
            if reply is not None:
                wait_for_server(str(reply["address"]))
                yield str(reply["address"])
                return
    raise FieldguideError("the background Prefect server does not start; see .fieldguide/background.log")


def wait_for_server(address: str) -> None:
    """Return when the Prefect server of that API address answers.

    Raises:
        FieldguideError: it does not answer in time.
    """
    import urllib.request

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310
            return
        time.sleep(0.05)
    raise FieldguideError(f"no Prefect server answers at {address}; see .fieldguide/background.log")


def stop(root: Path) -> bool:
    """End the background process and its server. Returns whether one was running."""
    state = _state(root)
    connection = _try_connect(state, f"background-{_identity()}.sock")
    if connection is None:
        return False
    with connection:
        connection.send(json.dumps({"stop": True}).encode())
        _receive(connection)
    return True


def _await_exit(connection: socket.socket, module: str) -> int:
    while True:
        try:
            reply = _receive(connection)
        except KeyboardInterrupt:
            connection.send(b'{"interrupt": true}')
            continue
        if reply is None:
            print(f"{module}: the background process was killed; run again", file=sys.stderr)
            return 1
        return int(reply["exit"])


def _receive(connection: socket.socket) -> dict[str, Any] | None:
    try:
        message = connection.recv(_MESSAGE)
    except ConnectionResetError:
        return None
    return json.loads(message) if message else None


def _try_connect(state: Path, name: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * _MESSAGE)
    with _address(state, name) as address:
        try:
            connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
    return connection


def _connect(root: Path) -> socket.socket:
    state, name = _state(root), f"background-{_identity()}.sock"
    connection = _try_connect(state, name)
    if connection is not None:
        return connection
    with locked(state / "background.lock"):
        connection = _try_connect(state, name)
        if connection is not None:
            return connection
        with (state / "background.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "flows.background", name],
                cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **QUIET_ENVIRONMENT},
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            connection = _try_connect(state, name)
            if connection is not None:
                return connection
            time.sleep(0.02)
    raise FieldguideError(f"the background process does not start; see {state / 'background.log'}")


# --- the background process --------------------------------------------------------------------------------------


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
        os.environ.update({**self.environment, **QUIET_ENVIRONMENT, "PREFECT_API_URL": address})
        sys.path.insert(0, self.folder)
        for name in [name for name in sys.modules if name.partition(".")[0] in ("fieldguide", "annotation", "flows")]:
            del sys.modules[name]
        from flows.tracking import run_stage

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
        message, streams, _, _ = socket.recv_fds(connection, 4 * _MESSAGE, 3)
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
            message = connection.recv(_MESSAGE)
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
    from flows.tracking import report_crashes

    os.environ["PREFECT_API_URL"] = server.address
    server.wait()
    report_crashes(Places())


def _preload() -> None:
    """Load what every stage needs and no one edits; none of these starts a thread when it is imported."""
    for name in _PRELOADED:
        importlib.import_module(name)
    gc.freeze()


def main() -> None:
    """Be the background process of the working folder: `python -m flows.background SOCKET`."""
    name = sys.argv[1]
    state = _state(Path.cwd())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    (state / name).unlink(missing_ok=True)
    with _address(state, name) as address:
        listener.bind(address)
    (state / name).chmod(0o600)
    listener.listen(16)
    server = Server.start(state)
    _preload()
    from flows.tracking import without_heartbeat

    with without_heartbeat():  # forks inherit it; in each of them it would take 0.1 s
        Background(listener, server, float(os.environ.get("FIELDGUIDE_IDLE_SECONDS", IDLE_SECONDS))).serve()
    (state / name).unlink(missing_ok=True)
    server.stop()


if __name__ == "__main__":
    main()
