"""The wheel alone: outside the repository, from photographs to a release."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.example]

FRUIT = re.compile(r"fruit|(?<!-)apple|cultivar|satsuma|granny", re.IGNORECASE)
COLOURS = {"Herring Gull": (210, 210, 220), "Common Gull": (150, 160, 170), "Arctic Skua": (80, 60, 50)}


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
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PATH": path, "FIELDGUIDE_TRACK": "0"}


def photographs(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.clip(rng.normal(colour, 30, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.jpg")
    return folder


def write_knowledge(project: Path) -> None:
    """What `init` leaves to the curator, in two files."""
    with (project / "data/knowledge/entities.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (project / "data/knowledge/entities.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(row | {"description": f"A bird of the coast called {row['name']}."} for row in rows)
    with (project / "data/knowledge/attributes.csv").open("a", newline="") as stream:
        for row, back in zip(rows, ("brown", "grey", "grey"), strict=True):
            csv.writer(stream).writerow([row["entity_id"], "back colour", "back", back, "seen"])
            csv.writer(stream).writerow([row["entity_id"], "bill shape", "bill", "hooked", "seen"])


def test_from_photographs_to_a_release_without_the_repository(installed: dict[str, str], tmp_path: Path) -> None:
    def fieldguide(*arguments: str, at: Path = tmp_path) -> str:
        command = [sys.executable, "-m", "fieldguide.cli.main", *arguments]
        done = subprocess.run(command, cwd=at, env=installed, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    where = [sys.executable, "-c", "import fieldguide, flows; print(fieldguide.__file__, flows.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=installed, capture_output=True, text=True, check=True).stdout
    assert all(path.startswith(str(tmp_path / "site")) for path in found.split())

    assert "36 photographs, 3 entities" in fieldguide("init", "birds", "--from", str(photographs(tmp_path / "p")))
    project = tmp_path / "birds"
    fieldguide("weights", at=project)
    write_knowledge(project)
    fieldguide("doctor", at=project)
    fieldguide("build", at=project)
    assert "everything agrees" in fieldguide("verify", "data/release", at=project)
    assert "everything is up to date" in fieldguide("status", at=project)
    texts = [p for p in project.rglob("*") if p.suffix in {".md", ".html", ".json", ".jsonl", ".yaml", ".txt", ".xml"}]
    ours = [p for p in texts if not {".dvc", ".git", ".fieldguide", "input"} & set(p.relative_to(project).parts)]
    assert len(ours) > 20
    assert [p for p in ours if FRUIT.search(p.read_text(encoding="utf-8"))] == []
