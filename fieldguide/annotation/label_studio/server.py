"""A Label Studio on this machine: started, found again, stopped. Its data outlives it, whatever ends it.

Everything lies in `Paths.annotation_state`: data base, secrets and log as files at its top, which Label Studio
refuses to serve (it serves only folders below its document root), and the images below.
The process list is the record of what runs: no file about it can be stale.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import psutil
from pydantic import SecretStr

from fieldguide.annotation.label_studio.accounts import Account, Accounts, stored_accounts, write_accounts
from fieldguide.annotation.label_studio.installing import label_studio
from fieldguide.annotation.label_studio.settings import HOST, SQLITE, keep_database, server_environment
from fieldguide.annotation.label_studio.signup import admit, new_account
from fieldguide.annotation.planning.section import Annotate
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import locked, private_folder
from fieldguide.core.paths import Paths

PORT: Final = 8080
_MIGRATING_SECONDS = 300.0
_LOG_BYTES = 16 << 20


def start(
    paths: Paths, annotate: Annotate, port: int | None = None, say: Callable[[str], None] = lambda _: None
) -> Accounts:
    """Start the server unless it runs, and make the accounts of everybody whom params.yaml asks.

    Idempotent: a running server stays, a killed one comes back with its data, accounts and tokens.

    Args:
        paths: where the benchmark lies.
        annotate: names the people.
        port: to listen on; the next free one where it is taken. Without it, the last one's.
        say: is told of the steps that take long.

    Raises:
        FieldguideError: it could not be installed or started (the last lines of its log), or it does not accept what
            accounts.json holds.
    """
    folder = paths.annotation_state
    private_folder(folder)
    with locked(folder / "server.lock"):
        accounts = stored_accounts(paths)
        if accounts is not None and urlsplit(accounts.url).hostname != HOST:
            raise FieldguideError(
                f"{folder / 'accounts.json'}: is of a server elsewhere, {accounts.url}; move it away to start one here"
            )
        url = running(paths)
        if url is None:
            wanted = port or (urlsplit(accounts.url).port if accounts else None) or PORT
            accounts = accounts or _first_accounts(wanted)
            write_accounts(paths, accounts)
            url = _launch(paths, accounts, wanted, say)
            keep_database(paths, os.environ)
        accounts = (accounts or _first_accounts(urlsplit(url).port or PORT)).model_copy(update={"url": url})
        write_accounts(paths, accounts)
        return admit(
            accounts,
            annotate.people,
            save=lambda changed: write_accounts(paths, changed),
            reset=lambda account: _reset_password(paths, accounts, account, say),
        )


def stop(paths: Paths, seconds: float = 10.0) -> bool:
    """End the server of this benchmark; False if none ran. One that does not end within `seconds` is killed."""
    processes = _processes(paths)
    for process in processes:
        process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=seconds)
    return bool(processes)


def running(paths: Paths) -> str | None:
    """The address of the server of this benchmark; None if none runs or it does not listen yet."""
    for process in _processes(paths):
        port = _listening(process)
        if port is not None:
            return f"http://{HOST}:{port}"
    return None


def log_file(paths: Paths) -> Path:
    """What the server printed."""
    return paths.annotation_state / "server.log"


def _first_accounts(port: int) -> Accounts:
    """A manager; the token has the form of the server's own."""
    manager = new_account("manager").model_copy(update={"token": SecretStr(secrets.token_hex(20))})
    return Accounts(url=f"http://{HOST}:{port}", manager=manager, people={})


def _launch(paths: Paths, accounts: Accounts, port: int, say: Callable[[str], None]) -> str:
    """Start the process, in a session of its own, and return the address where it answers."""
    folder = paths.annotation_state.resolve()
    environment = server_environment(paths, accounts, os.environ)
    executable = label_studio(paths, say)
    for half_started in _processes(paths):
        half_started.kill()
    new = environment["LABEL_STUDIO_DJANGO_DB"] == "sqlite" and not (folder / SQLITE).exists()
    say("starting Label Studio" + (" (the first start makes its data base, about 25 seconds)" if new else ""))
    command = [str(executable), "start", "--no-browser", "--internal-host", HOST, "--port", str(_free_port(port)),
               "--data-dir", str(folder), "--enable-legacy-api-token"]  # fmt: skip
    log = log_file(paths)
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.old"))
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as stream:
        begin = stream.seek(0, os.SEEK_END)
        try:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                start_new_session=True, umask=0o077,
            )  # fmt: skip
        except OSError as error:
            raise FieldguideError(f"{executable}: cannot be started: {error.strerror}") from None
    return _answering(paths, process, log, begin)


def _reset_password(paths: Paths, accounts: Accounts, account: Account, say: Callable[[str], None]) -> None:
    """Give a user the password of accounts.json: it was changed on the server, or accounts.json was lost.

    The program asks for it; without a terminal it reads the answer from its standard input, where nobody sees it.
    """
    say(f"setting the password of {account.email} anew: the server does not accept the one of accounts.json")
    folder = paths.annotation_state.resolve()
    password = account.password.get_secret_value() if account.password else ""
    subprocess.run(
        [str(label_studio(paths, say)), "reset_password", "--username", account.email],
        input=f"{password}\n", text=True, cwd=folder, env=server_environment(paths, accounts, os.environ),
        capture_output=True, start_new_session=True, check=False,
    )  # fmt: skip


def _answering(paths: Paths, process: subprocess.Popen[bytes], log: Path, begin: int) -> str:
    """Wait until the server answers.

    The address is the one where our own process listens: when somebody else took its port in the meantime, it
    has moved to the next without a word.
    """
    deadline = time.monotonic() + _MIGRATING_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise FieldguideError(f"Label Studio ended while it started; {log} says:\n{_tail(log, begin)}")
        url = running(paths)
        if url is not None and _healthy(url):
            return url
        time.sleep(0.1)
    stop(paths)
    raise FieldguideError(
        f"Label Studio did not answer within {_MIGRATING_SECONDS:.0f} seconds; {log} says:\n{_tail(log, begin)}"
    )


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False, timeout=30).is_success
    except httpx.HTTPError:
        return False


def _tail(log: Path, begin: int, lines: int = 12) -> str:
    with log.open("rb") as stream:
        stream.seek(begin)
        text = stream.read().decode("utf-8", errors="replace")
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-lines:]) or "  (nothing)"


def _free_port(port: int) -> int:
    """The first port from `port` on that nothing listens on.

    Raises:
        FieldguideError: none of a hundred is free, or `port` may not be used.
    """
    for candidate in range(port, min(port + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: not held by dead sessions
            try:
                probe.bind((HOST, candidate))
            except PermissionError:
                raise FieldguideError(
                    f"port {candidate}: only an administrator may use it; allowed: from 1024"
                ) from None
            except OSError:
                continue
            return candidate
    raise FieldguideError(f"no port from {port} to {port + 99} is free; give another one")


def _processes(paths: Paths) -> list[psutil.Process]:
    """Processes of this user that serve this folder."""
    folder = str(paths.annotation_state.resolve())
    found = []
    for process in psutil.process_iter(["cmdline", "uids", "status"]):
        words, owner = process.info["cmdline"] or [], process.info["uids"]
        serves = "--data-dir" in words[:-1] and words[words.index("--data-dir") + 1] == folder
        if serves and owner and owner.real == os.getuid() and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def _listening(process: psutil.Process) -> int | None:
    try:
        connections = process.net_connections(kind="tcp4")
    except psutil.Error:
        return None
    ports = [c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.ip == HOST]
    return ports[0] if ports else None
