"""What goes where, what is refused, and what is told: with a folder as the place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json, write_json
from fieldguide.publishing.release.publish.destinations.destination import DestinationError
from fieldguide.publishing.release.publish.destinations.folder import FolderDestination
from fieldguide.publishing.release.publish.destinations.named import destination
from fieldguide.publishing.release.publish.files import ReleaseFile, release_files
from fieldguide.publishing.release.publish.publishing import _are_one, plan_publishing, size_text
from fieldguide.publishing.release.publish.publishing import publish as send
from tests.conftest import REPOSITORY
from tests.publishing.release.publish.published_files import digests, publish, refused, sign


def test_what_tells_that_all_is_there_is_sent_last(first: Path) -> None:
    files = release_files(first)
    assert [file.name for file in files][-2:] == ["release.json", "SHA256SUMS"]
    assert {file.name: file.sha256 for file in files} == digests(first)
    assert [file.name for file in files[:-2]] == sorted(file.name for file in files[:-2])


def test_a_folder_gets_the_release_and_nothing_the_second_time(first: Path, tmp_path: Path) -> None:
    to = tmp_path / "shared" / "benchmark"
    assert "files, " in publish(first, to)
    assert digests(to) == digests(first)
    os.utime(to / "SHA256SUMS", (1, 1))
    assert "nothing was sent" in publish(first, to)
    assert (to / "SHA256SUMS").stat().st_mtime == 1
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["benchmark"], "something was left beside it"


def test_a_dry_run_lists_and_sends_nothing(first: Path, tmp_path: Path) -> None:
    shown = publish(first, tmp_path / "to", "--dry-run")
    for name in digests(first):
        assert name in shown
    assert "nothing was sent; nothing would be refused" in shown
    assert f"{len(digests(first))} files" in shown
    assert not (tmp_path / "to").exists()


def test_a_dry_run_says_what_would_be_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "README.md").write_text("ask someone@example.org\n")
    told = refused(folder, tmp_path / "to", "--dry-run")
    assert told.startswith("would be refused:")
    assert "README.md: line 1: holds an e-mail address s…" in told
    assert not (tmp_path / "to").exists()


def test_json_tells_files_and_reasons(folder: Path, tmp_path: Path) -> None:
    told = json.loads(publish(folder, tmp_path / "to", "--dry-run", "--json"))
    assert (told["refused"], told["published"], told["version"]) == ([], False, "0.1.0")
    assert {file["name"]: file["sha256"] for file in told["files"]} == digests(folder)
    (folder / "README.md").write_text("ask someone@example.org\n")
    told = json.loads(publish(folder, tmp_path / "to", "--json"))
    assert not told["published"]
    assert any("e-mail address" in reason["what"] for reason in told["refused"])
    assert not (tmp_path / "to").exists()


def test_all_reasons_at_once(folder: Path, tmp_path: Path) -> None:
    checks = read_json(folder / "checks.json")
    checks["checks"][0] |= {"success": False, "unexpected": 3}
    write_json(folder / "checks.json", checks)
    (folder / "README.md").write_text("password: hunter2hunter2\n")
    told = refused(folder, tmp_path / "to")
    assert "checks.json: was changed: its sha256 is not the one in SHA256SUMS" in told
    assert "checks.json: images: image_id is unique: does not hold (3 rows)" in told
    assert "README.md: line 1: holds a password" in told
    assert "hunter2" not in told
    assert not (tmp_path / "to").exists()


def test_a_warning_of_the_checks_is_no_reason(first: Path, tmp_path: Path) -> None:
    assert any(not check["success"] for check in read_json(first / "checks.json")["checks"])
    publish(first, tmp_path / "to")


@pytest.mark.parametrize("text", ["[]", '{"checks": 3}', '{"checks": [{"severity": "error"}]}', "{", "[" * 9999])
def test_checks_that_say_nothing_are_refused(folder: Path, tmp_path: Path, text: str) -> None:
    (folder / "checks.json").write_text(text)
    sign(folder)
    assert "checks.json: " in refused(folder, tmp_path / "to")


def planned(folder: Path, to: Path) -> list[str]:
    plan = plan_publishing(release_files(folder), FolderDestination(folder, to))
    return [str(problem) for problem in plan.refused]


def test_changed_qrels_under_an_old_version_are_refused(folder: Path, first: Path, tmp_path: Path) -> None:
    to = Path(shutil.copytree(first, tmp_path / "to"))
    text = (folder / "qrels" / "qrels.trec").read_text()
    (folder / "qrels" / "qrels.trec").write_text(text.replace(" 1\n", " 0\n", 1))
    sign(folder)
    (told,) = planned(folder, to)
    assert "qrels were changed under an old version: 0.1.0 is published there" in told
    assert "qrels/qrels.trec; raise release.version" in told
    assert "qrels were changed" in refused(folder, to)
    assert digests(to) == digests(first)


def test_other_files_under_an_old_version_are_refused_too(folder: Path, first: Path, tmp_path: Path) -> None:
    to = Path(shutil.copytree(first, tmp_path / "to"))
    (folder / "README.md").write_text("Another text.\n")
    (folder / "MORE.md").write_text("More.\n")
    sign(folder)
    (told,) = planned(folder, to)
    assert "files were changed under an old version" in told
    assert "MORE.md, README.md;" in told


def test_a_new_version_takes_the_place_of_the_old_one(first: Path, second: Path, tmp_path: Path) -> None:
    to = Path(shutil.copytree(first, tmp_path / "to"))
    publish(second, to)
    assert digests(to) == digests(second)
    assert "holds version 0.2.0, and this is 0.1.0" in refused(first, to)


def test_files_that_only_the_old_version_had_are_told_and_removed(folder: Path, second: Path, tmp_path: Path) -> None:
    (folder / "OLD.md").write_text("Of yesterday.\n")
    sign(folder)
    to = Path(shutil.copytree(folder, tmp_path / "to"))
    assert "would be removed there, since it is of an older version: OLD.md" in publish(second, to, "--dry-run")
    assert "1 files of an older version were removed" in publish(second, to)
    assert digests(to) == digests(second)


def test_what_is_no_release_is_not_replaced(first: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("Years of work.")
    assert "holds thesis.tex, which no release there lists" in refused(first, tmp_path / "home")
    assert (tmp_path / "home" / "thesis.tex").read_text() == "Years of work."


def test_another_benchmark_is_not_replaced(folder: Path, first: Path, tmp_path: Path) -> None:
    to = Path(shutil.copytree(first, tmp_path / "to"))
    about = read_json(to / "release.json")
    write_json(to / "release.json", about | {"name": "gulls"})
    sign(to)
    assert any("holds the release of 'gulls'" in line for line in planned(folder, to))


def test_a_half_way_release_is_finished(first: Path, tmp_path: Path) -> None:
    to = Path(shutil.copytree(first, tmp_path / "to"))
    (to / "SHA256SUMS").unlink()
    (to / "qrels" / "qrels.trec").write_text("half")
    publish(first, to)
    assert digests(to) == digests(first)


@pytest.mark.parametrize("name", ["README.md", "params.yaml", "LICENSE.txt", "release.json", "mine/.git/refs/"])
def test_files_of_others_are_left_alone_whatever_they_are_called(first: Path, tmp_path: Path, name: str) -> None:
    mine = tmp_path / "to" / name
    mine.parent.mkdir(parents=True)
    mine.mkdir() if name.endswith("/") else mine.write_text("{}")
    assert f"holds {name.rstrip('/')}" in refused(first, tmp_path / "to")
    assert mine.exists()


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", " 1.0.0", "1.0.0+local", "1.0.0"])
def test_other_bytes_under_another_writing_of_the_version_are_refused(version: str) -> None:
    assert _are_one("1.0.0", version)
    assert not _are_one("1.0.1", version)


@pytest.mark.parametrize("damaged", ["", "{", "[1]", '{"name": 3}', "\xff", "[" * 9999])
def test_a_damaged_release_of_others_is_no_crash(first: Path, tmp_path: Path, damaged: str) -> None:
    to = Path(shutil.copytree(first, tmp_path / "to"))
    (to / "release.json").write_bytes(damaged.encode("latin-1"))
    sign(to)
    assert planned(first, to)  # a whole release of something else


def test_places_that_cannot_be(first: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for to, told in (
        (first, "lies in the release or holds it"),
        (first / "in", "lies in the release or holds it"),
        (first.parent, "lies in the release or holds it"),
        (tmp_path / "file", "is no folder"),
        ("ftp://ada:secret@host/x", "no place that is known; allowed: s3://"),
        ("s3://Bucket/x", "no place that is known"),
        ("s3://bucket/a/../b", "empty, `.` or `..` part"),
        ("hf://models/a/b", "no place that is known"),
        ("hf://datasets/a", "no place that is known"),
        ("gcs:x", "no place that is known"),
        ("dvc:", "no place that is known"),
    ):
        with pytest.raises(DestinationError) as caught:
            destination(str(to), first)
        assert told in str(caught.value), to
        assert "secret" not in str(caught.value)


def test_a_place_that_is_lost_on_the_way_says_what_had_been_sent(first: Path, tmp_path: Path) -> None:
    class Losing(FolderDestination):
        def send(self, files: Sequence[ReleaseFile], gone: Sequence[str], message: str) -> Iterator[ReleaseFile]:
            yield from files[:2]
            raise DestinationError("the line went dead")

    place = Losing(first, tmp_path / "to")
    plan = plan_publishing(release_files(first), place)
    with pytest.raises(FieldguideError, match=r"the line went dead\n  2 of [0-9]+ files had been sent") as caught:
        send(plan, place)
    assert "incomplete until the same command sends the rest" in str(caught.value)


def test_a_place_that_lies_is_found_out(first: Path, tmp_path: Path) -> None:
    class Lying(FolderDestination):
        def send(self, files: Sequence[ReleaseFile], gone: Sequence[str], message: str) -> Iterator[ReleaseFile]:
            yield from files

    place = Lying(first, tmp_path / "to")
    with pytest.raises(FieldguideError, match="does not hold them"):
        send(plan_publishing(release_files(first), place), place)


def _not_utf8(folder: Path) -> None:
    (folder / "README.md").write_bytes(b"\xff\xfe\x00")


def _deep(folder: Path) -> None:
    (folder / "leaderboard.json").write_text("[" * 100_000)


def _leading_out(folder: Path) -> None:
    (folder / "more.md").symlink_to("/etc/hostname")


def _nan(folder: Path) -> None:
    (folder / "release.json").write_text('{"format": NaN}')


def _no_tar(folder: Path) -> None:
    next((folder / "images").iterdir()).write_bytes(b"\0" * 999)


def _loop(folder: Path) -> None:
    (folder / "loop.md").symlink_to("loop.md")


@pytest.mark.parametrize("damage", [_not_utf8, _deep, _leading_out, _nan, _no_tar, _loop])
def test_hostile_releases_are_refused_in_words(folder: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(folder)
    assert refused(folder, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_no_release_is_told(tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "nowhere", tmp_path / "to")
    (tmp_path / "empty").mkdir()
    assert "release.json: no such file" in refused(tmp_path / "empty", tmp_path / "to")


def test_as_it_is_typed(folder: Path, tmp_path: Path) -> None:
    """Exit status 1, words on stderr, no traceback, and no value of the environment."""
    (folder / "README.md").write_text("The key is blue-horse-battery-7.\n")
    command = [
        sys.executable,
        "-c",
        "from fieldguide.cli.main import main; main()",
        "release",
        "publish",
        "release",
        "to",
    ]
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(REPOSITORY), "GULL_API_KEY": "blue-horse-battery-7"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "README.md: line 1: holds a value of $GULL_API_KEY" in done.stderr
    assert "blue-horse" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_sizes_are_for_people() -> None:
    assert [size_text(size) for size in (7, 1500, 2_340_000, 10**13)] == ["7 bytes", "1.5 kB", "2.3 MB", "10.0 TB"]
