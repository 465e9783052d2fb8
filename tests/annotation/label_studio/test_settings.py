"""What the local server is told: its data base, and nothing of the caller's environment."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from fieldguide.annotation.label_studio.accounts import Account, Accounts
from fieldguide.annotation.label_studio.settings import DATABASE, database_settings, keep_database, server_environment
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths

ACCOUNTS = Accounts(
    url="http://127.0.0.1:8080",
    manager=Account(email="m@x.invalid", token=SecretStr("a-token"), password=SecretStr("a-password")),
    people={},
)


def test_a_connection_string_becomes_the_servers_settings() -> None:
    settings = database_settings("postgresql://lab%40el:p%2Fw@db.example:5433/labels?sslmode=verify-full")
    assert settings == {
        "DJANGO_DB": "default", "POSTGRE_HOST": "db.example", "POSTGRE_PORT": "5433", "POSTGRE_NAME": "labels",
        "POSTGRE_USER": "lab@el", "POSTGRE_PASSWORD": "p/w", "PGSSLMODE": "verify-full",
    }  # fmt: skip
    assert database_settings("postgres://u@/labels?host=/run/postgresql")["POSTGRE_HOST"] == "/run/postgresql"
    assert database_settings(None) == {"DJANGO_DB": "sqlite"}


@pytest.mark.parametrize(
    "address",
    ["mysql://u:word@h/n", "postgresql://u:word@h/", "postgresql://u:word@/n", "postgresql://u:word@h:port/n",
     "postgresql://u:word@h/n?options=-c", "word"],
)  # fmt: skip
def test_any_other_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(FieldguideError, match=r"must be postgresql://USER:PASSWORD@HOST:PORT/NAME") as caught:
        database_settings(address)
    assert "word" not in str(caught.value).replace("PASSWORD", "")


def test_the_server_knows_nothing_of_its_callers_environment_but_the_paths(tmp_path: Path) -> None:
    caller = {
        "PATH": "/bin",
        "LABEL_STUDIO_SENTRY_DSN": "https://home.example",
        "AWS_SECRET_ACCESS_KEY": "k",
        "HOST": "h",
    }
    environment = server_environment(Paths(tmp_path), ACCOUNTS, caller)
    assert environment["PATH"] == "/bin"
    assert environment["LABEL_STUDIO_SENTRY_DSN"] == environment["LABEL_STUDIO_FRONTEND_SENTRY_DSN"] == ""
    assert {environment[f"LABEL_STUDIO_{k}"] for k in ("COLLECT_ANALYTICS", "LATEST_VERSION_CHECK")} == {"false"}
    assert not {"AWS_SECRET_ACCESS_KEY", "HOST"} & set(environment)
    assert stat.S_IMODE((tmp_path / ".annotation" / "secret_key").stat().st_mode) == 0o600
    assert server_environment(Paths(tmp_path), ACCOUNTS, caller) == environment


def test_the_data_base_stays_the_one_in_which_people_judged(tmp_path: Path) -> None:
    paths, first = Paths(tmp_path), "postgresql://u:one@h/n"
    paths.annotation_state.mkdir()
    mistyped = {DATABASE: "postgresql://u:one@hh/n"}
    assert server_environment(paths, ACCOUNTS, mistyped)["LABEL_STUDIO_POSTGRE_HOST"] == "hh"  # it never started
    keep_database(paths, {DATABASE: first})
    assert server_environment(paths, ACCOUNTS, {})["LABEL_STUDIO_POSTGRE_PASSWORD"] == "one"
    new_password = server_environment(paths, ACCOUNTS, {DATABASE: "postgresql://u:two@h/n"})
    assert new_password["LABEL_STUDIO_POSTGRE_PASSWORD"] == "two"
    assert stat.S_IMODE((tmp_path / ".annotation" / "database").stat().st_mode) == 0o600
    with pytest.raises(FieldguideError, match=r"names another data base than the one of .* unset it to go on there"):
        server_environment(paths, ACCOUNTS, {DATABASE: "postgresql://u:two@h/other"})


def test_a_data_base_in_the_folder_is_not_left_silently(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.annotation_state.mkdir()
    (paths.annotation_state / "label_studio.sqlite3").touch()
    with pytest.raises(FieldguideError, match="where people may have judged"):
        server_environment(paths, ACCOUNTS, {DATABASE: "postgresql://u:one@h/n"})
