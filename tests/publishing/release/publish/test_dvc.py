"""A release in a remote of the repository's DVC: a real repository, a folder as its remote."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fieldguide.publishing.release.publish.destinations.destination import DestinationError
from fieldguide.publishing.release.publish.destinations.dvc_remote import DvcDestination
from fieldguide.publishing.release.publish.files import release_files
from tests.conftest import REPOSITORY
from tests.publishing.release.publish.published_files import digests, publish, refused


def call(folder: Path, *command: str) -> None:
    user = {f"GIT_{role}_{what}": "x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, **user})


def dvc(folder: Path, *arguments: str) -> None:
    call(folder, sys.executable, "-m", "dvc", *arguments)


@pytest.fixture(scope="module")
def repository(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that tracks data/release and has a remote `storage`; not to be changed."""
    root = tmp_path_factory.mktemp("dvc") / "repository"
    (root / "data").mkdir(parents=True)
    call(root, "git", "init", "-q")
    dvc(root, "init", "-q")
    dvc(root, "remote", "add", "storage", str(root.parent / "storage"))
    shutil.copytree(first, root / "data" / "release")
    dvc(root, "add", "-q", "data/release")
    call(root, "git", "add", "-A")
    call(root, "git", "commit", "-qm", "release")
    return root


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    """A copy of the repository, whose remote is its own."""
    root = Path(shutil.copytree(repository, tmp_path / "repository", symlinks=True))
    dvc(root, "remote", "modify", "storage", "url", str(tmp_path / "storage"))
    return root


def test_what_was_pushed_is_what_dvc_get_fetches(copy: Path, first: Path, tmp_path: Path) -> None:
    release = copy / "data" / "release"
    assert f"{len(digests(first))} to send" in publish(release, "dvc:storage", "--dry-run")
    assert not (tmp_path / "storage").exists()
    shown = publish(release, "dvc:storage")
    assert "to DVC remote storage" in shown
    assert "`dvc get REPOSITORY" in shown
    shutil.rmtree(copy / ".dvc" / "cache")
    dvc(tmp_path, "get", str(copy), "data/release", "--out", "fetched", "--remote", "storage")
    assert digests(tmp_path / "fetched") == digests(first)


def lose(storage: Path, digest: str) -> Path:
    """Remove an object of the remote."""
    (lost,) = storage.rglob(digest[2:])
    lost.unlink()
    return lost


def test_nothing_is_sent_twice_and_what_is_lacking_is_sent_again(copy: Path, tmp_path: Path) -> None:
    """DVC's own index believes that all is there still; a push that was cut off lacks the list of the files."""
    release = copy / "data" / "release"
    publish(release, "dvc:storage")
    assert "nothing was sent" in publish(release, "dvc:storage")
    out = DvcDestination(release, "storage")._out
    digest = {"/".join(key): info.value for key, _, info in out.get_obj()}["qrels/qrels.trec"]
    lost = lose(tmp_path / "storage", digest)
    files = release_files(release)
    assert [file.name for file in DvcDestination(release, "storage").differing(files)] == ["qrels/qrels.trec"]
    listed = lose(tmp_path / "storage", out.hash_info.value)
    assert DvcDestination(release, "storage").differing(files) == files
    publish(release, "dvc:storage")
    assert lost.is_file()
    assert listed.is_file()


def test_what_dvc_has_other_bytes_of_is_refused(copy: Path) -> None:
    release = copy / "data" / "release"
    (release / "README.md").unlink()
    (release / "README.md").write_text("Changed.\n")
    assert "differs from what DVC has of it" in refused(release, "dvc:storage")


def test_remotes_and_folders_that_dvc_does_not_know_are_told(repository: Path, first: Path) -> None:
    assert "DVC remote nowhere: is not configured; configured: storage" in refused(
        repository / "data" / "release", "dvc:nowhere"
    )
    shutil.copytree(first, repository / "other")
    assert "is no output of a stage and no folder that DVC tracks" in refused(repository / "other", "dvc:storage")
    assert "DVC says: " in refused(first, "dvc:storage")  # no repository at all


def test_a_remote_that_is_lost_is_told_without_its_password(copy: Path) -> None:
    dvc(copy, "remote", "modify", "storage", "url", "http://ada:blue-horse-battery@127.0.0.1:9/x")
    command = [sys.executable, "-c", "from fieldguide.cli.main import main; main()"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "STORAGE_PASSWORD": "blue-horse-battery"}
    done = subprocess.run(
        [*command, "release", "publish", "data/release", "dvc:storage"],
        cwd=copy, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "fieldguide: DVC remote storage: DVC says: " in done.stderr
    assert "Cannot connect to host 127.0.0.1:9" in done.stderr
    assert "nothing had been sent" in done.stderr
    assert "blue-horse" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_what_dvc_says_is_told_without_secrets(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvc.exceptions import DvcException

    monkeypatch.setenv("STORAGE_PASSWORD", "blue-horse-battery")
    place = DvcDestination(repository / "data" / "release", "storage")
    with pytest.raises(DestinationError, match=r"DVC says: it was blue: no \*\*\*$"), place._in_words():
        logging.getLogger("dvc_data").error("no blue-horse-battery")
        raise DvcException("it was blue")
