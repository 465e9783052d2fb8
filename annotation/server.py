"""A Label Studio on this machine: started, found again, stopped. Its data outlives it, whatever ends it.

Everything lies in `Places.annotation_state`: data base, secrets and log as files at its top, which Label Studio
refuses to serve (it serves only folders below its document root, tests/annotation/test_server.py), and the images
below. The process list is the record of what runs: no file about it can be stale.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import psutil
from pydantic import SecretStr

from annotation.accounts import Accounts, private_folder, stored_accounts, write_accounts, write_private
from annotation.installing import label_studio
from annotation.signup import admit, new_account
from fieldguide.errors import FieldguideError
from fieldguide.files import locked
from fieldguide.params import Params
from fieldguide.places import Places

DATABASE = "FIELDGUIDE_ANNOTATION_DATABASE"
PORT: Final = 8080
_HOST = "127.0.0.1"
_MIGRATING_SECONDS = 300.0
_LOG_BYTES = 16 << 20
# All that the server takes over of the caller's environment: any LABEL_STUDIO_... could undo what is set below.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
# The server may call back the pull's webhook on this machine, and no other private network.
_FORBIDDEN_NETWORKS = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "::/127", "64:ff9b::/96", "2002::/16", "fc00::/7", "fe80::/10",
    "ff00::/8",
)  # fmt: skip
_SETTINGS = {
    "ALLOWED_HOSTS": f"{_HOST},localhost",  # no name of another site may lead a browser here
    "COLLECT_ANALYTICS": "false",
    "CORS_ALLOW_ALL_ORIGINS": "false",
    "DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
    "LOCAL_FILES_SERVING_ENABLED": "true",
    "LOG_LEVEL": "WARNING",
    "SENTRY_DSN": "",
    "USE_DEFAULT_BANNED_SUBNETS": "false",
    "USER_ADDITIONAL_BANNED_SUBNETS": ",".join(_FORBIDDEN_NETWORKS),
}


def start(
    places: Places, params: Params, port: int | None = None, say: Callable[[str], None] = lambda _: None
) -> Accounts:
    """Start the server unless it runs, and make the accounts of everybody whom params.yaml asks.

    Idempotent: a running server stays, a killed one comes back with its data, accounts and tokens.

    Args:
        places: where the benchmark lies.
        params: `annotate` names the people.
        port: to listen on; the next free one where it is taken. Without it, the last one's.
        say: is told of the steps that take long.

    Raises:
        FieldguideError: it could not be installed or started (the last lines of its log), or it does not accept what
            accounts.json holds.
    """
    folder = places.annotation_state
    private_folder(folder)
    with locked(folder / "server.lock"):
        accounts = stored_accounts(places)
        url = running(places)
        if url is None:
            wanted = port or (urlsplit(accounts.url).port if accounts else None) or PORT
            accounts = accounts or _first_accounts(wanted)
            write_accounts(places, accounts)
            url = _launch(places, accounts, wanted, say)
        elif accounts is None:
            raise FieldguideError(
                f"{url}: a server runs here whose accounts.json is gone; "
                f"`python -m flows.label_studio stop`, move {folder / 'label_studio.sqlite3'} away, and start again"
            )
        accounts = accounts.model_copy(update={"url": url})
        write_accounts(places, accounts)
        names = [*params.annotate.assessors, *filter(None, [params.annotate.adjudicator])]
        return admit(accounts, names, lambda changed: write_accounts(places, changed))


def stop(places: Places, seconds: float = 10.0) -> bool:
    """End the server of this benchmark; False if none ran. One that does not end within `seconds` is killed."""
    processes = _processes(places)
    for process in processes:
        process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=seconds)
    return bool(processes)


def running(places: Places) -> str | None:
    """The address of the server of this benchmark; None if none runs or it does not listen yet."""
    for process in _processes(places):
        port = _listening(process)
        if port is not None:
            return f"http://{_HOST}:{port}"
    return None


def log_file(places: Places) -> Path:
    """What the server printed."""
    return places.annotation_state / "server.log"


def database_settings(address: str | None) -> dict[str, str]:
    """The server's settings for a connection string; SQLite without one.

    Raises:
        FieldguideError: it is not one of PostgreSQL; it is not repeated, for it holds a password.
    """
    if not address:
        return {"DJANGO_DB": "sqlite"}
    try:
        parts = urlsplit(address)
        port = parts.port or 5432
    except ValueError:
        raise FieldguideError(f"{DATABASE}: {_CONNECTION_STRING}") from None
    options = dict(parse_qsl(parts.query))
    host = unquote(parts.hostname or "") or options.pop("host", "")
    unknown = sorted(set(options) - set(_OPTIONS))
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgresql", "postgres") or not host or not name or unknown:
        detail = f" (unknown options: {', '.join(unknown)})" if unknown else ""
        raise FieldguideError(f"{DATABASE}: {_CONNECTION_STRING}{detail}")
    settings = {"DJANGO_DB": "default", "POSTGRE_HOST": host, "POSTGRE_PORT": str(port), "POSTGRE_NAME": name}
    login = {"POSTGRE_USER": unquote(parts.username or ""), "POSTGRE_PASSWORD": unquote(parts.password or "")}
    return settings | login | {_OPTIONS[key]: value for key, value in options.items()}


_OPTIONS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
_WHICH = ("POSTGRE_HOST", "POSTGRE_PORT", "POSTGRE_NAME")
_CONNECTION_STRING = (
    "must be postgresql://USER:PASSWORD@HOST:PORT/NAME, special characters as %XX; "
    f"allowed options: host, {', '.join(_OPTIONS)}"
)


def _first_accounts(port: int) -> Accounts:
    """A manager; the token has the form of the server's own."""
    manager = new_account("manager").model_copy(update={"token": SecretStr(secrets.token_hex(20))})
    return Accounts(url=f"http://{_HOST}:{port}", manager=manager, people={})


def _environment(places: Places, accounts: Accounts, caller: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of the server. Secrets go this way and not on the command line, which anybody can read."""
    folder = places.annotation_state.resolve()
    key = folder / "secret_key"
    if not key.exists():
        write_private(key, secrets.token_urlsafe(48))
    manager = accounts.manager
    settings = _SETTINGS | {
        "BASE_DATA_DIR": str(folder),
        "LOCAL_FILES_DOCUMENT_ROOT": str(folder),
        "SECRET_KEY": key.read_text(encoding="utf-8"),
        "USERNAME": manager.email,
        "PASSWORD": manager.password.get_secret_value() if manager.password else "",
        "USER_TOKEN": manager.token.get_secret_value() if manager.token else "",
    }
    settings |= database_settings(_database(folder, caller.get(DATABASE)))
    own = {name if name.startswith("PG") else f"LABEL_STUDIO_{name}": value for name, value in settings.items()}
    # These two are read without the prefix.
    own |= {"SECRET_KEY": settings["SECRET_KEY"], "PYTHONUNBUFFERED": "1", "LOG_LEVEL": settings["LOG_LEVEL"]}
    return {name: caller[name] for name in _INHERITED if name in caller} | own


def _database(folder: Path, given: str | None) -> str | None:
    """The connection string of this server's data base, the same at every start; None: SQLite in the folder.

    Raises:
        FieldguideError: `given` names another one than that in which people have judged.
    """
    file, sqlite = folder / "database", folder / "label_studio.sqlite3"
    kept = file.read_text(encoding="utf-8") if file.exists() else None
    if not given:
        return kept
    new = database_settings(given)
    same = kept is not None and all(database_settings(kept)[key] == new[key] for key in _WHICH)
    if not same and (kept is not None or sqlite.exists()):
        raise FieldguideError(
            f"{DATABASE} names another data base than the one of {folder}, where people may have judged: "
            f"unset it to go on there, or move {folder} away to begin anew"
        )
    write_private(file, given)
    return given


def _launch(places: Places, accounts: Accounts, port: int, say: Callable[[str], None]) -> str:
    """Start the process, in a session of its own, and return the address where it answers."""
    folder = places.annotation_state.resolve()
    environment = _environment(places, accounts, os.environ)
    executable = label_studio(places, say)
    for half_started in _processes(places):
        half_started.kill()
    new = environment["LABEL_STUDIO_DJANGO_DB"] == "sqlite" and not (folder / "label_studio.sqlite3").exists()
    say("starting Label Studio" + (" (the first start makes its data base, about 25 seconds)" if new else ""))
    command = [str(executable), "start", "--no-browser", "--internal-host", _HOST, "--port", str(_free_port(port)),
               "--data-dir", str(folder), "--enable-legacy-api-token"]  # fmt: skip
    log = log_file(places)
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
    return _answering(places, process, log, begin)


def _answering(places: Places, process: subprocess.Popen[bytes], log: Path, begin: int) -> str:
    """Wait until the server answers.

    The address is the one where our own process listens: when somebody else took its port in the meantime, it
    has moved to the next without a word.
    """
    deadline = time.monotonic() + _MIGRATING_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise FieldguideError(f"Label Studio ended while it started; {log} says:\n{_tail(log, begin)}")
        url = running(places)
        if url is not None and _healthy(url):
            return url
        time.sleep(0.1)
    stop(places)
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
                probe.bind((_HOST, candidate))
            except PermissionError:
                raise FieldguideError(
                    f"port {candidate}: only an administrator may use it; allowed: from 1024"
                ) from None
            except OSError:
                continue
            return candidate
    raise FieldguideError(f"no port from {port} to {port + 99} is free; give another one")


def _processes(places: Places) -> list[psutil.Process]:
    """Processes of this user that serve this folder."""
    folder = str(places.annotation_state.resolve())
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
    ports = [c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN and c.laddr.ip == _HOST]
    return ports[0] if ports else None
