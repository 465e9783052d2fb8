"""The wheel alone, outside the repository: every command of docs/tutorial.md, from an empty folder to a release."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.annotation.real_server import use_label_studio
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.example]

FRUIT = re.compile(r"fruit|(?<!-)apple|cultivar|satsuma|granny", re.IGNORECASE)
COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell where the wheel is installed, and this repository is not."""
    source = tmp_path / "source"
    for part in ("fieldguide", "flows"):
        shutil.copytree(REPOSITORY / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(tmp_path / "site"), str(source)], check=True, capture_output=True)
    path = f"{tmp_path / 'site/bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    use_label_studio()
    return {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PATH": path, "FIELDGUIDE_TRACK": "0"}


def test_the_tutorial_from_an_empty_folder_to_a_release(installed: dict[str, str], tmp_path: Path) -> None:
    here = tmp_path / "empty"
    here.mkdir()

    def run(script: str, at: Path = here) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=at, env=installed, capture_output=True, text=True,
            timeout=900, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    where = run("python -c 'import fieldguide, flows; print(fieldguide.__file__, flows.__file__)'")
    assert all(path.startswith(str(tmp_path / "site")) for path in where.split())
    tutorial = (REPOSITORY / "docs/tutorial.md").read_text(encoding="utf-8")
    project = here / "old-masters"
    try:
        told = run("\n".join(COMMANDS.findall(tutorial)))
    finally:
        if project.exists():
            run("fieldguide label-studio stop", project)
    shown = re.findall(r"^      (\w.*\? \[.*\])$", tutorial, re.MULTILINE)
    assert len(shown) >= 3
    for said in (*shown, "174 photographs, 6 entities", "126 have no label", "data/release: everything agrees",
                 "left out: system trained needs encoder text-tower", "18 photographs of 6 entities", "stopped",
                 "0 of the pages that were asked so far are on the server"):  # fmt: skip
        assert said in told, said
    board = {row["system"] for row in json.loads((project / "data/evaluation/leaderboard.json").read_text())}
    assert board == {"random", "file-order", "text", "phrase", "decompose", "trained"}
    kinds = {".md", ".html", ".json", ".jsonl", ".yaml", ".txt", ".xml"}
    others = {".dvc", ".git", ".fieldguide", ".annotation", "input"}
    found = (p for p in project.rglob("*") if p.suffix in kinds)
    written = [p for p in found if not others & set(p.relative_to(project).parts)]
    assert len(written) > 20
    # The museum's own titles are whose they are: "Still Life with Apples and a Pot of Primroses".
    attribution = re.compile(r'[^"\n<>]*Metropolitan Museum of Art[^"\n<>]*')
    ours = {p.name: attribution.sub("", p.read_text(encoding="utf-8")) for p in written}
    assert [name for name, text in ours.items() if FRUIT.search(text)] == []
