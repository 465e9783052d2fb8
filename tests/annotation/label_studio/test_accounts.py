"""Accounts: who may read them, what the environment overrides, what is missing."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from fieldguide.annotation.label_studio import accounts as subject
from fieldguide.annotation.label_studio.accounts import (
    Account,
    Accounts,
    read_accounts,
    with_user_ids,
    write_accounts,
)
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths

HERE = Accounts(
    url="http://127.0.0.1:8080/",
    manager=Account(email="Manager@x.example", user_id=1, token=SecretStr("manager-token")),
    people={
        "ada": Account(email="ada@x.example", user_id=2, token=SecretStr("ada-token"), password=SecretStr("ada-word")),
        "ben": Account(email="ben@x.example", user_id=3),
    },
)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def stored(paths: Paths) -> Paths:
    write_accounts(paths, HERE)
    return paths


def test_what_is_written_is_read_again_with_its_secrets(paths: Paths) -> None:
    again = read_accounts(stored(paths), {})
    assert again == HERE
    assert again.people["ada"].password == SecretStr("ada-word")
    assert (again.url, again.manager.email) == ("http://127.0.0.1:8080", "manager@x.example")


def test_file_and_folder_are_closed_to_others_whatever_the_umask(paths: Paths) -> None:
    paths.annotation_state.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        stored(paths)
    finally:
        os.umask(before)
    assert stat.S_IMODE(subject.accounts_file(paths).stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.annotation_state.stat().st_mode) == 0o700


def test_secrets_show_nowhere_but_in_the_file(paths: Paths) -> None:
    for text in (repr(HERE), str(HERE), HERE.model_dump_json(), str(HERE.model_dump())):
        assert "ada-token" not in text
        assert "ada-word" not in text
    assert "ada-token" in subject.accounts_file(stored(paths)).read_text()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused(paths: Paths, mode: int) -> None:
    subject.accounts_file(stored(paths)).chmod(mode)
    with pytest.raises(FieldguideError, match=rf"others can read.*mode {mode:04o}.*chmod 600"):
        read_accounts(paths, {})


def test_missing_accounts_say_how_to_make_them(paths: Paths) -> None:
    with pytest.raises(FieldguideError, match=r"fieldguide label-studio start.*LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY"):
        read_accounts(paths, {})


def test_an_invalid_file_names_every_key_and_repeats_no_value(paths: Paths) -> None:
    stored(paths)
    path = subject.accounts_file(paths)
    value = json.loads(path.read_text())
    value["manager"]["token"] = ["leak-1"]
    value["people"]["ada"]["user_id"] = "leak-2"
    value["url"] = "ftp://leak-3"
    path.write_text(json.dumps(value))
    with pytest.raises(ProblemsError) as caught:
        read_accounts(paths, {})
    assert {p.where for p in caught.value.problems} == {"url", "manager.token", "people.ada.user_id"}
    assert "leak" not in str(caught.value)


ELSEWHERE = {"LABEL_STUDIO_URL": "https://labels.example/", "LABEL_STUDIO_API_KEY": "other-token"}


def test_a_server_elsewhere_takes_the_people_from_the_environment(paths: Paths) -> None:
    accounts = read_accounts(paths, {**ELSEWHERE, "FIELDGUIDE_ASSESSORS": "ada=Ada@y.example, ben = ben@y.example"})
    assert accounts.url == "https://labels.example"
    assert accounts.manager.token == SecretStr("other-token")
    assert {name: account.email for name, account in accounts.people.items()} == {
        "ada": "ada@y.example",
        "ben": "ben@y.example",
    }


def test_another_servers_numbers_and_tokens_do_not_count(paths: Paths) -> None:
    people = read_accounts(stored(paths), ELSEWHERE).people
    assert people["ada"] == Account(email="ada@x.example")


def test_the_same_server_keeps_numbers_and_takes_the_given_token(paths: Paths) -> None:
    accounts = read_accounts(stored(paths), {**ELSEWHERE, "LABEL_STUDIO_URL": HERE.url})
    assert accounts.people == HERE.people
    assert (accounts.manager.user_id, accounts.manager.token) == (1, SecretStr("other-token"))


def test_half_an_environment_is_refused(paths: Paths) -> None:
    stored(paths)
    with pytest.raises(FieldguideError, match="LABEL_STUDIO_API_KEY set without LABEL_STUDIO_URL"):
        read_accounts(paths, {"LABEL_STUDIO_API_KEY": "k"})
    with pytest.raises(FieldguideError, match="LABEL_STUDIO_URL is set and LABEL_STUDIO_API_KEY is not"):
        read_accounts(paths, {"LABEL_STUDIO_URL": "https://labels.example"})
    with pytest.raises(ProblemsError, match=r"LABEL_STUDIO_URL: .*must be an address"):
        read_accounts(paths, {**ELSEWHERE, "LABEL_STUDIO_URL": "labels.example"})


def test_every_wrong_entry_of_the_assessors_is_named_without_its_address(paths: Paths) -> None:
    text = "ada=ada@y.example,Ben=ben@y.example,cleo,ada=other@y.example"
    with pytest.raises(ProblemsError) as caught:
        read_accounts(paths, {**ELSEWHERE, "FIELDGUIDE_ASSESSORS": text})
    assert [p.where[-1] for p in caught.value.problems] == ["2", "3", "4"]
    assert "y.example" not in str(caught.value)


def test_two_names_with_one_address_are_told_apart_by_nobody(paths: Paths) -> None:
    with pytest.raises(ProblemsError, match="entry 2: ben has the same address as somebody before"):
        read_accounts(paths, {**ELSEWHERE, "FIELDGUIDE_ASSESSORS": "ada=a@y.example,ben=A@y.example"})


class Users:
    """The part of the SDK's client that is asked."""

    def whoami(self) -> Any:
        return SimpleNamespace(id=7, email="Boss@x.example")

    def list(self) -> list[Any]:
        return [SimpleNamespace(id=8, email="Ada@x.example"), SimpleNamespace(id=9, email=None)]


def test_numbers_of_users_are_looked_up_where_they_are_missing() -> None:
    client = SimpleNamespace(users=Users())
    bare = Accounts(url=HERE.url, manager=Account(token=SecretStr("t")), people={"ada": Account(email="ada@x.example")})
    full = with_user_ids(client, bare)
    assert (full.manager.user_id, full.manager.email, full.people["ada"].user_id) == (7, "boss@x.example", 8)
    assert with_user_ids(None, full) is full


def test_people_whom_the_server_does_not_know_are_all_named() -> None:
    people = {name: Account(email=f"{name}@x.example") for name in ("ada", "ben", "cleo")}
    with pytest.raises(ProblemsError) as caught:
        with_user_ids(SimpleNamespace(users=Users()), HERE.model_copy(update={"people": people}))
    assert [p.where for p in caught.value.problems] == ["ben", "cleo"]
    assert "x.example" not in str(caught.value)
