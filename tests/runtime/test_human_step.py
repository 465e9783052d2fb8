"""The build's human step: real processes, killed in between; people are played by the test.

What goes to and comes from an annotation server is tested in tests/annotation; here the log is filled directly,
and `push` and `pull` are stand-ins that do nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.people import Site, judge, make_site, truth

pytestmark = pytest.mark.slow

WAITS = 75
STANDINS = """

Annotation.server = lambda self: None
Annotation.push = lambda self, **_: Pushed((), 0, 0, 0, 0, {}, ())
Annotation.pull = lambda self, **_: Pulled(True, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, ())
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = make_site(tmp_path / "site", ("pool", "adjudicate"))
    with (site.folder / "fieldguide" / "annotation" / "manager.py").open("a") as stream:
        stream.write(STANDINS)
    yield site


def build(site: Site, *arguments: str) -> tuple[int, str]:
    done = site.run("fieldguide.cli.main", "build", *arguments, check=False)
    return done.returncode, done.stdout + done.stderr


def test_it_ends_at_the_pool_and_each_build_looks_again_until_all_is_judged(site: Site) -> None:
    code, said = build(site)
    assert code == WAITS, said
    assert re.search(r"\b0 of [1-9]\d+ judgments are in", said)
    assert "ada: " in said
    assert "the build waits for people. Run `fieldguide build` again" in said
    assert site.paths.asked.exists()
    assert not site.paths.qrels.exists()

    judge(site, "ada", truth(site), last=30)
    code, said = build(site)
    assert code == WAITS, said
    assert re.search(r"\b30 of [1-9]\d+ judgments are in", said)
    assert not site.paths.qrels.exists()

    for assessor in ("ada", "ben"):
        judge(site, assessor, truth(site))
    code, said = build(site)
    assert code == 0, said
    assert (site.paths.qrels / "qrels.parquet").exists()


def test_told_to_go_on_it_does_with_what_there_is(site: Site) -> None:
    assert build(site)[0] == WAITS
    judge(site, "ada", truth(site), last=20)
    code, said = build(site, "--resume")
    assert code == 0, said
    assert re.search(r"\b20 of [1-9]\d+ judgments are in", said)


def test_killed_while_it_asks_people_the_next_build_goes_on(site: Site) -> None:
    asking = site.folder / "fieldguide" / "annotation" / "standing.py"
    before, line = asking.read_text(), "        notes, trouble = _exchange(annotation)\n"
    assert before.count(line) == 1
    stay = "        print('up', flush=True)\n        __import__('time').sleep(60)\n"
    asking.write_text(before.replace(line, stay + line))
    process = subprocess.Popen(
        [sys.executable, "-m", "fieldguide.cli.main", "build"], cwd=site.folder, env=site.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    said = []
    for text in process.stdout:
        said.append(text)
        if text == "up\n":
            break
    assert process.poll() is None, said
    process.kill()
    process.stdout.close()
    process.wait(20)
    asking.write_text(before)
    assert build(site)[0] == WAITS
    for assessor in ("ada", "ben"):
        judge(site, assessor, truth(site))
    code, said = build(site)
    assert code == 0, said
    assert (site.paths.qrels / "qrels.parquet").exists()


def test_with_wait_it_stays_and_goes_on_by_itself(site: Site) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fieldguide.cli.main", "build", "--wait", "--every", "1"],
        cwd=site.folder, env=site.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("  ben: "):
            break
    second = site.run("fieldguide.cli.main", "build", check=False)
    assert second.returncode == 1
    assert "another build of this folder is running" in second.stderr
    for assessor in ("ada", "ben"):
        judge(site, assessor, truth(site))
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said + out
    assert re.search(r"\b([1-9]\d+) of \1 judgments are in", out)


def test_without_a_server_it_says_how_to_start_one_and_needs_none_once_the_log_suffices(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", ("pool", "adjudicate"))
    code, said = build(site)
    assert code == 1, said
    assert "the build waits, but people could not be asked, see above" in said
    assert "fieldguide label-studio start" in said
    for assessor in ("ada", "ben"):
        judge(site, assessor, truth(site))
    code, said = build(site)
    assert code == 0, said
    assert "the log suffices; the server was not asked" in said


def test_labels_of_a_data_set_make_nobody_wait(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", ("pool", "adjudicate"))
    site.params("adjudicate", judge="dataset-label")
    code, said = build(site)
    assert code == 0, said
    assert (site.paths.qrels / "qrels.parquet").exists()
