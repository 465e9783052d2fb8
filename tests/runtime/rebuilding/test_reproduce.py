"""`fieldguide reproduce` in a real repository: bytes, near numbers, the same conclusions, other ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.publishing.benchmark import params_text
from fieldguide.publishing.release.make import make_release
from fieldguide.runtime.builds.own_lock import own_lock, put_back
from fieldguide.runtime.builds.repository import one_build
from fieldguide.runtime.rebuilding.environment import Environment, kept_environment, remember_environment
from fieldguide.runtime.rebuilding.record import FOLDER, read_record
from tests.builders import ENCODER, tiny_params
from tests.finished import finished_benchmark

AUTHOR = ("-c", "user.name=x", "-c", "user.email=x@example.org")
# What the stages of the real pipeline make; their commands are never run here.
STAGES = {
    "embed": {"deps": ["code.txt"], "outs": ["data/embeddings", "data/queries"]},
    "retrieve": {"deps": ["data/embeddings"], "params": ["retrieve"], "outs": ["data/runs"]},
    "evaluate": {"deps": ["data/runs"], "outs": ["data/evaluation"]},
    "release": {"deps": ["data/evaluation"], "outs": ["data/release"]},
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *AUTHOR, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def dvc(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=folder, check=True, capture_output=True)


def built(folder: Path) -> None:
    """What stands there is what the stages made."""
    dvc(folder, "commit", "--quiet", "--force")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark in miniature, built, recorded and committed."""
    folder = tmp_path_factory.mktemp("published")
    params = tiny_params()
    make_release(params, finished_benchmark(folder, params))
    (folder / "params.yaml").write_text(params_text(params), encoding="utf-8")
    (folder / "code.txt").write_text("one\n")
    (folder / ".gitignore").write_text("/data/*\n!/data/recorded\n.fieldguide\n")
    stages = {name: {"cmd": f"echo {name}", **stage} for name, stage in STAGES.items()}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    git(folder, "init", "-q")
    dvc(folder, "init", "--quiet")
    built(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in STAGES:
            remember_environment(Paths(), stage)
        done = reproduce("--record")
    assert done.exit_code == 0, done.output
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "published")
    return folder


@pytest.fixture
def here(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, elsewhere."""
    shutil.copytree(published, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def reproduce(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["reproduce", *arguments])


def as_json(*arguments: str) -> dict[str, Any]:
    done = reproduce("--json", *arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"status": done.exit_code}


def shake(folder: Path, by: float) -> None:
    """Other last bits of the gallery's vectors, as another processor makes them, or a change that is none of bits."""
    path = folder / f"data/embeddings/{ENCODER}/vectors.npy"
    vectors = np.load(path)
    noise = np.random.default_rng(1).uniform(-by, by, vectors.shape)
    np.save(path, (vectors.astype(np.float64) + noise).astype(vectors.dtype))


def turn(folder: Path) -> None:
    """The random system is best, significantly."""
    path = folder / "data/evaluation/leaderboard.json"
    rows = read_json(path)
    best = {"mean": 0.99, "group": "z"}
    write_json(path, [row | (best if row["system"] == "random" else {"group": "y"}) for row in rows])


def test_the_same_bytes(here: Path) -> None:
    found = as_json()
    assert (found["grade"], found["status"], found["stages"]) == ("bytes", 0, [])


def test_other_last_bits_are_near_and_come_of_what_it_ran_on(here: Path) -> None:
    shake(here, 0.0003)
    built(here)
    found = as_json()
    assert (found["grade"], found["status"], found["first"]) == ("numbers", 10, ["embed"])
    assert "all that is known of what it ran on" in found["reasons"][0]
    assert reproduce("--accept", "numbers").exit_code == 0
    assert reproduce("--accept", "conclusions").exit_code == 0


def test_what_it_ran_on_is_named(here: Path) -> None:
    path = here / FOLDER / "build.json"
    record = read_json(path)
    for row in record["environments"]:
        row["environment"]["libraries"]["numpy"] = "1.0"
        row["environment"]["threads"]["cores"] = "64"
    write_json(path, record)
    git(here, "commit", "-qam", "published elsewhere")
    assert "the same, though numpy 1.0" in reproduce().output
    shake(here, 0.0003)
    built(here)
    (reason,) = as_json()["reasons"]
    assert reason.startswith(
        "embed: code, parameters and inputs are the same; it ran on something else: threads: cores 64"
    )
    assert "numpy 1.0 -> " in reason


def test_vectors_that_are_far_are_still_the_same_conclusions(here: Path) -> None:
    shake(here, 0.2)
    built(here)
    found = as_json()
    assert (found["grade"], found["status"]) == ("conclusions", 11)
    assert next(one["what"] for one in found["figures"] if one["value"] > one["bound"]).startswith("vectors")


def test_a_real_change_is_told_with_what_was_changed(here: Path) -> None:
    params = tiny_params(retrieve={"depth": 9})
    (here / "params.yaml").write_text(params_text(params), encoding="utf-8")
    turn(here)
    built(here)
    found = as_json()
    assert (found["grade"], found["status"]) == ("different", 12)
    assert found["reasons"][0] == "retrieve: parameters: retrieve.depth 10 -> 9; its outputs are the same"
    assert "evaluate: code, parameters and inputs are the same" in found["reasons"][1]  # turned by hand
    told = reproduce().output
    assert "otherwise: tie groups, fullrank, comparison" in told


def test_changed_code_without_a_consequence_is_told(here: Path) -> None:
    (here / "code.txt").write_text("two\n")
    built(here)
    found = as_json()
    assert (found["grade"], found["reasons"]) == ("bytes", ["embed: input: code.txt; its outputs are the same"])


def test_dvc_lock_is_put_back_and_later_builds_take_up_their_own(here: Path) -> None:
    shake(here, 0.0003)
    built(here)
    own = (here / "dvc.lock").read_bytes()
    assert git(here, "status", "--short") == " M dvc.lock\n"
    assert reproduce("--accept", "numbers", "--restore-lock").exit_code == 0
    assert git(here, "status", "--short") == ""
    with own_lock(here):
        assert (here / "dvc.lock").read_bytes() == own
    assert git(here, "status", "--short") == ""
    assert CliRunner().invoke(app, ["status"]).output.count("up to date") == len(STAGES) + 1
    assert as_json()["grade"] == "numbers"  # of what is built, not of what the committed file says


@pytest.mark.parametrize("change", [turn, lambda folder: (folder / "code.txt").write_text("two\n")])
def test_dvc_lock_is_not_put_back_where_more_than_bytes_differs(here: Path, change: Callable[[Path], Any]) -> None:
    shake(here, 0.0003)
    change(here)
    built(here)
    reproduce("--restore-lock")
    assert git(here, "status", "--short", "dvc.lock") == " M dvc.lock\n"


def test_a_release_is_compared_without_a_record(here: Path, published: Path) -> None:
    assert as_json(str(published / "data/release"))["grade"] == "bytes"
    turn(here)
    make_release(tiny_params(), Paths(here))
    built(here)
    found = as_json(str(published))
    assert (found["grade"], found["status"]) == ("different", 12)
    assert "leaderboard.json" in found["differing"]


def test_a_release_that_is_damaged_is_not_compared(here: Path, tmp_path: Path) -> None:
    shutil.copytree(here / "data/release", tmp_path / "sent")
    (tmp_path / "sent/leaderboard.json").write_text("[]")
    assert "is damaged" in refused(str(tmp_path / "sent"))
    assert "an empty name" in refused("")


def test_dvc_lock_is_left_alone_while_somebody_builds(here: Path) -> None:
    shake(here, 0.0003)
    built(here)
    own = (here / "dvc.lock").read_bytes()
    with one_build(here):
        assert "another build" in refused("--restore-lock")
    assert (here / "dvc.lock").read_bytes() == own
    with pytest.raises(FieldguideError, match="changed meanwhile"):
        put_back(here, b"committed\n", b"compared\n")
    assert (here / "dvc.lock").read_bytes() == own


def test_what_is_recorded_lies_beside_its_own_lock(here: Path) -> None:
    shake(here, 0.0003)
    built(here)
    own = (here / "dvc.lock").read_bytes()
    reproduce("--restore-lock")
    assert (here / "dvc.lock").read_bytes() != own
    assert reproduce("--record").exit_code == 0
    assert (here / "dvc.lock").read_bytes() == own


def test_names_forge_no_lines(here: Path) -> None:
    shake(here, 0.0003)
    built(here)
    lock = (here / "dvc.lock").read_text()
    (here / "dvc.lock").write_text(lock.replace("cmd: echo retrieve", 'cmd: "echo\\nother conclusions"'))
    git(here, "commit", "-qam", "hostile")
    (here / "dvc.lock").write_text(lock)
    shown = reproduce().output
    assert "echo\\nother conclusions" in shown
    assert "\nother conclusions" not in shown


def test_a_page_says_the_same(here: Path, tmp_path: Path) -> None:
    shake(here, 0.0003)
    built(here)
    reproduce("--html", str(tmp_path / "page"))
    page = (tmp_path / "page/index.html").read_text(encoding="utf-8")
    assert "Other bytes, the same numbers within their bounds" in page
    reproduce("--html", str(tmp_path / "page"))
    for name in ("mine/thesis.tex", "site/assets/mine.js"):
        shutil.copytree(tmp_path / "page", tmp_path / name.split("/")[0])
        (tmp_path / name).touch()
        assert "holds" in refused("--html", str(tmp_path / name.split("/")[0]))
        assert (tmp_path / name).exists()
    (tmp_path / "link").symlink_to(tmp_path / "page")
    assert "is no folder" in refused("--html", str(tmp_path / "link"))


def refused(*arguments: str) -> str:
    done = reproduce(*arguments)
    assert isinstance(done.exception, FieldguideError), done.output
    return str(done.exception)


def test_what_is_not_built_is_refused(here: Path) -> None:
    shake(here, 0.0003)
    assert "embed, retrieve, evaluate, release would run" in refused()


def test_unknown_commits_and_commits_without_a_record_are_refused(here: Path) -> None:
    assert "neither a release folder nor a commit" in refused("--", "--help-me")
    assert "neither a release folder nor a commit" in refused("v9")
    shutil.rmtree(here / FOLDER)
    git(here, "commit", "-qam", "without a record")
    assert as_json()["grade"] == "bytes"  # DVC has its release
    lock = (here / "dvc.lock").read_text()
    (released,) = yaml.safe_load(lock)["stages"]["release"]["outs"]
    (here / "dvc.lock").write_text(lock.replace(released["md5"], f"{'0' * 32}.dir"))
    git(here, "commit", "-qam", "a release that nobody has")
    (here / "dvc.lock").write_text(lock)
    assert "reproduce --record" in refused()
    assert reproduce("--accept", "fine").exit_code == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda about: about.pop("standings"),
        lambda about: about["standings"][0].pop("mean"),
        lambda about: about["standings"][0].update(mean="high"),
        lambda about: about["standings"][0].update(mean=True),
        lambda about: about["standings"][0].update(mean=10**400),
        lambda about: about["standings"][0].update(system=[1]),
        lambda about: about["standings"][0].update(system=None),
        lambda about: about["standings"][0].update(system="\ud800"),
        lambda about: about["standings"][0].update(group=5),
        lambda about: about.update(standings=[]),
        lambda about: about.update(standings={}),
        lambda about: about.update(findings={"x": float("inf")}),
        lambda about: about.update(environments=[{"stages": "report", "environment": {}}]),
        lambda about: about["environments"][0]["environment"].update(libraries=None),
        lambda about: about["environments"][0]["environment"].update(threads=[]),
        lambda about: about["environments"][0]["environment"].update(instructions=[1, 2]),
        lambda about: about["environments"][0]["environment"].update(processor="a\nb"),
        lambda about: about.update(schema_version="1"),
        lambda about: about.update(findings=[1]),
        lambda about: about.update(environments=[{"stages": ["a"]}]),
        lambda about: about.update(schema_version=99),
    ],
)
def test_a_damaged_record_is_refused_in_words(published: Path, tmp_path: Path, damage: Callable[[Any], Any]) -> None:
    shutil.copytree(published / FOLDER, tmp_path / "record")
    about = read_json(tmp_path / "record/build.json")
    damage(about)
    (tmp_path / "record/build.json").write_text(json.dumps(about))
    with pytest.raises(FieldguideError, match=r"build\.json"):
        read_record(tmp_path / "record")


def test_what_a_step_ran_on_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    remember_environment(Paths(tmp_path), "embed")
    monkeypatch.delenv("OMP_NUM_THREADS")
    now = Environment.here()
    kept = kept_environment(Paths(tmp_path), "embed")
    assert kept is not None
    assert kept.differences(now) == ["threads: OMP_NUM_THREADS 7 -> (not there)"]
    assert kept_environment(Paths(tmp_path), "other") is None
