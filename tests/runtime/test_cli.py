"""The fieldguide command, as it is typed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldguide import __version__
from fieldguide.cli.main import app
from fieldguide.cli.views.doctor import examine, healthy
from fieldguide.params import read_params
from fieldguide.runtime.builds.repro import Progress, needs
from tests.conftest import REPOSITORY

COMMANDS = (
    "annotate adjudicate", "annotate agreement", "annotate close", "annotate dashboard", "annotate links",
    "annotate plan", "annotate pull", "annotate push", "annotate questions", "annotate reply", "annotate serve",
    "annotate status", "annotate topics", "audit", "build", "doctor", "evaluate", "explain", "export", "fitness",
    "import", "leaderboard", "release build", "release diff", "release fetch-images", "release publish",
    "release seal", "release verify", "report compare", "reproduce", "retrieve", "score", "status", "verify",
)  # fmt: skip


def fieldguide(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from fieldguide.cli.main import main; main()", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=environment, timeout=120, check=False
    )


def test_help_names_every_command_and_gives_examples(tmp_path: Path) -> None:
    shown = fieldguide(tmp_path, "--help").stdout
    for command in COMMANDS:
        assert f"  {command.split()[0]}" in shown or command == "verify"  # an old name that still works
        assert re.search(r"Examples?: +fieldguide", fieldguide(tmp_path, *command.split(), "--help").stdout), command


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom fieldguide.cli.main import app\ntry:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('numpy', 'pandas', 'torch', 'prefect', 'dvc', 'pydantic') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.strip() == __version__


def test_outside_a_benchmark_every_command_says_so_without_a_traceback(tmp_path: Path) -> None:
    for arguments in (
        ["build"],
        ["explain", "t1", "a"],
        ["leaderboard"],
        ["verify", "nowhere"],
        ["status"],
        ["reproduce"],
        ["annotate", "questions"],
        ["annotate", "reply", "1", "yes"],
        ["annotate", "dashboard"],
    ):
        done = fieldguide(tmp_path, *arguments)
        assert done.returncode == 1, arguments
        assert done.stderr.startswith("fieldguide: "), (arguments, done.stderr)
        assert "Traceback" not in done.stderr, arguments


def test_doctor_names_what_is_missing_and_what_to_do(project: Path) -> None:
    done = fieldguide(project, "doctor", "--json")
    assert done.returncode == 1
    findings = {(f["group"], f["name"]): f for f in json.loads(done.stdout)}
    assert findings["build", "ingest.sources.0.path"]["verdict"] == "problem"
    assert "make data" in findings["build", "ingest.sources.0.path"]["detail"]
    assert findings["build", "data/input/wordnet/glosses.jsonl"]["detail"] == "no such file"
    assert "`fieldguide weights`" in findings["build", "encoders.mobilenetv2.weights"]["detail"]
    assert ("encoders", "mobilenetv2") not in findings  # told once
    assert findings["params.yaml", "sections"]["verdict"] == "ok"
    assert findings["calls", "endpoints"]["verdict"] == "note"


def test_doctor_lists_every_problem_of_params(project: Path) -> None:
    text = (
        (project / "params.yaml")
        .read_text()
        .replace("depth: 30", "depth: -3")
        .replace("encoder: conse", "encoder: nope")
    )
    (project / "params.yaml").write_text(text)
    assert [f.name for f in examine(project) if f.verdict == "problem"][-1] == "pool.depth"
    (project / "params.yaml").write_text(text.replace("depth: -3", "depth: 3"))
    wrong = [f for f in examine(project) if f.group == "params.yaml"]
    assert {f.name for f in wrong} == {
        f"systems.{name}.encoder" for name, system in read_params(REPOSITORY / "params.yaml").systems.items()
        if getattr(system, "encoder", None) == "conse"
    }  # fmt: skip
    assert "allowed: conse, mobilenetv2, text-tower" in wrong[0].detail


@pytest.mark.example
def test_the_example_is_healthy(example_input: Path) -> None:
    findings = list(examine(REPOSITORY))
    assert healthy(findings), [f for f in findings if f.verdict == "problem"]


@pytest.mark.parametrize(
    ("targets", "wanted"),
    [
        ([], True), (["pool"], False), (["embed"], False), (["train_cletir@cletir"], False), (["evaluate"], True),
        (["adjudicate"], True), (["rerank"], False), (["pool", "check"], True), (["data/qrels"], True),
    ],
)  # fmt: skip
def test_people_are_needed_for_what_rests_on_their_grades(targets: list[str], wanted: bool) -> None:
    assert needs(REPOSITORY, targets, "adjudicate") is wanted


def test_progress_numbers_stages_and_keeps_their_words() -> None:
    progress = Progress(["a", "b", "c"])
    lines = [
        "Stage 'frozen' didn't change, skipping",
        "Stage 'a' didn't change, skipping",
        "Running stage 'b':",
        "> python -m flows.b",
        "12 images",
    ]
    lines += ["Updating lock file 'dvc.lock'", "", "Running stage 'c':", "Use `dvc push` to send your updates"]
    lines += ["\tgit add dvc.lock", "To enable auto staging, run:", "\tdvc config core.autostage true"]
    shown = [text for line in lines for text in progress.read(line)]
    list(progress.finish())
    assert shown == ["[2/3] b", "    12 images", "[3/3] c"]
    assert progress.summary().startswith("2 of 3 stages ran (slowest: ")
