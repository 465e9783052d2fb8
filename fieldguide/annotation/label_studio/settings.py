"""What the local Label Studio is told: nothing reported home, nobody let in unasked, its data in one place."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from fieldguide.annotation.label_studio.accounts import Accounts
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import write_private
from fieldguide.core.paths import Paths

HOST = "127.0.0.1"
DATABASE = "FIELDGUIDE_ANNOTATION_DATABASE"
SQLITE = "label_studio.sqlite3"
# All that the server takes over of the caller's environment: any LABEL_STUDIO_... could undo what is set below.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_SETTINGS = {
    "ALLOWED_HOSTS": f"{HOST},localhost",  # no name of another site may lead a browser here
    "COLLECT_ANALYTICS": "false",
    "CORS_ALLOW_ALL_ORIGINS": "false",
    "DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
    "LOCAL_FILES_SERVING_ENABLED": "true",
    "LOG_LEVEL": "WARNING",
    "SENTRY_DSN": "",
}

_OPTIONS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
_WHICH = ("POSTGRE_HOST", "POSTGRE_PORT", "POSTGRE_NAME")
_CONNECTION_STRING = (
    "must be postgresql://USER:PASSWORD@HOST:PORT/NAME, special characters as %XX; "
    f"allowed options: host, {', '.join(_OPTIONS)}"
)


def server_environment(paths: Paths, accounts: Accounts, caller: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of the server. Secrets go this way and not on the command line, which anybody can read.

    Raises:
        FieldguideError: the caller's connection string is not valid, or names another data base than before.
    """
    folder = paths.annotation_state.resolve()
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
    # It keeps a number of its own of every user and would put it into the caller's home.
    own |= {f"XDG_{kind}_HOME": str(folder / "home") for kind in ("CONFIG", "CACHE", "DATA")}
    return {name: caller[name] for name in _INHERITED if name in caller} | own


def _database(folder: Path, given: str | None) -> str | None:
    """The connection string of this server's data base, the same at every start; None: SQLite in the folder.

    Raises:
        FieldguideError: `given` names another one than that in which people have judged.
    """
    file, sqlite = folder / "database", folder / SQLITE
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
    return given


def keep_database(paths: Paths, caller: Mapping[str, str]) -> None:
    """Remember the connection string with which the server has started, for all later starts."""
    given = caller.get(DATABASE)
    if given:
        write_private(paths.annotation_state / "database", given)


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
