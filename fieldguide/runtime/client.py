"""The side of a starting process: hand a stage to the background process (background.py), await its end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked
from fieldguide.core.paths import Paths
from fieldguide.runtime.lifetime import die_with_parent
from fieldguide.runtime.quiet import QUIET_ENVIRONMENT

START_SECONDS = 90.0
MESSAGE = 1 << 17
# Read when a library is loaded, and therefore fixed for the life of the background process.
_BIRTH_VARIABLES = ("PREFECT_API_URL", "PREFECT_HOME", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED")


def supported() -> bool:
    """Whether this system has what the background process needs (Linux: pidfd, parent-death signals)."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def state_folder(root: Path) -> Path:
    """The folder of machine-local state, for this user's eyes alone."""
    state = Paths(root).state.absolute()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return state


def _identity() -> str:
    """Tells apart background processes of other installations or settings; part of the socket's name."""
    birth = {name: os.environ.get(name) for name in _BIRTH_VARIABLES}
    # Not sys.executable: `python` and `python3.11` of one environment are the same installation.
    parts = [sys.prefix, sys.version, version("prefect"), json.dumps(birth)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@contextlib.contextmanager
def socket_address(state: Path, name: str) -> Iterator[str]:
    """A short path to the socket: `sun_path` holds 108 bytes only, and working folders may lie deep."""
    descriptor = os.open(state, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


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
    state = state_folder(root)
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
        message = connection.recv(MESSAGE)
    except ConnectionResetError:
        return None
    return json.loads(message) if message else None


def _try_connect(state: Path, name: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MESSAGE)
    with socket_address(state, name) as address:
        try:
            connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
    return connection


def _connect(root: Path) -> socket.socket:
    state, name = state_folder(root), f"background-{_identity()}.sock"
    connection = _try_connect(state, name)
    if connection is not None:
        return connection
    with locked(state / "background.lock"):
        connection = _try_connect(state, name)
        if connection is not None:
            return connection
        with (state / "background.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "fieldguide.runtime.background", name],
                cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**QUIET_ENVIRONMENT, **os.environ},
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            connection = _try_connect(state, name)
            if connection is not None:
                return connection
            time.sleep(0.02)
    raise FieldguideError(f"the background process does not start; see {state / 'background.log'}")
