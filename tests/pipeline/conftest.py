"""A real benchmark of 60 photographs, built once by a real `dvc repro` in a clone-like folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from fieldguide.core.files import locked
from tests.conftest import copy_project

CULTIVARS = {
    "Golden-Delicious": "golden-delicious",
    "Granny-Smith": "granny-smith",
    "Orange": "orange",
    "Red-Delicious": "red-delicious",
    "Satsumas": "satsuma",
}
PER_SPLIT = 6
DRAWING = ("cirevl", "cletir", "paracosm", "pdv", "visret", "weimocir")


@dataclass(frozen=True)
class Site:
    """A benchmark's folder and the commands a user would type there."""

    folder: Path
    hash_seed: str = "0"

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a Python module's command in the folder and return what it printed; the timeout is for what hangs."""
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=self.folder, capture_output=True, text=True, timeout=1800,
            env={**self.environment, **environment}, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    @property
    def environment(self) -> dict[str, str]:
        """Stages run with this interpreter, on one thread a library so that tests do not fight for two cores."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONHASHSEED": self.hash_seed, "FIELDGUIDE_TRACK": "0"}

    @property
    def outs(self) -> dict[str, str]:
        """md5 of every output, by path, as dvc.lock has it."""
        lock = yaml.safe_load((self.folder / "dvc.lock").read_text())
        return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage.get("outs", [])}

    def params(self, change: dict[str, Any]) -> None:
        """Change params.yaml: `change` has dotted keys."""
        path = self.folder / "params.yaml"
        values = yaml.safe_load(path.read_text())
        for key, value in change.items():
            *parents, last = key.split(".")
            section = values
            for parent in parents:
                section = section[parent]
            section[last] = value
        path.write_text(yaml.safe_dump(values, sort_keys=False))


def make_site(folder: Path, example_input: Path, hash_seed: str = "0") -> Site:
    """A clone with 5 cultivars x (6 train + 6 gallery) photographs as two folder trees, small settings, git and DVC."""
    site = Site(copy_project(folder), hash_seed)
    _photographs(
        example_input / "photographs" / "grocery" / "images.parquet", folder / "data" / "input" / "photographs"
    )
    for name in ("weights", "wordnet"):
        shutil.copytree(example_input / name, folder / "data" / "input" / name)
    shared = {"kind": "folder", "entities": CULTIVARS, "licence": None, "attribution": "example"}
    trees = {"train": "train", "gallery": "gallery"}
    sources = [{"name": n, "path": f"data/input/photographs/{n}", "split": s, **shared} for n, s in trees.items()]
    systems = yaml.safe_load((folder / "params.yaml").read_text())["systems"]
    site.params(
        {
            "ingest.sources": sources, "ingest.shards": 3, "check.unlicensed_sources": list(trees),
            "release.sources": {},
            "compose.max_topics": 8, "visualize.images": 2, "visualize.generic_prompts": ["a photo of fruit"],
            "generators.flow-matching.steps": 3, "pool.depth": 10, "pool.sample": 5,
            "evaluate.permutations": 200, "systems": _with_fewer_drawings(systems),
            "train_cletir.folds": 2, "train_cletir.steps": 3, "probe.topics": 2,
        }
    )  # fmt: skip
    _forget_what_differs(folder / "dvc.lock")
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    site.run("dvc", "config", "core.analytics", "false")
    return site


def _with_fewer_drawings(value: Any) -> Any:
    """Sections of systems, and those inside them, that look at two drawings."""
    if isinstance(value, list):
        return [_with_fewer_drawings(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _with_fewer_drawings(item) for key, item in value.items() if key != "preset"}
    return inner | {"images": 2} if value.get("kind") in DRAWING else inner


def _forget_what_differs(lock: Path) -> None:
    """Keep the shipped models only: all else is made of other photographs, and DVC rewrites the file at every stage."""
    locked = yaml.safe_load(lock.read_text())
    locked["stages"] = {name: stage for name, stage in locked["stages"].items() if "deps" not in stage}
    lock.write_text(yaml.safe_dump(locked, sort_keys=False))


def _photographs(parquet: Path, folder: Path) -> None:
    table = pq.read_table(parquet, columns=["dataset", "finegrained_cat", "image_data"])
    taken: dict[tuple[str, str], int] = {}
    for row in table.to_pylist():
        place = ("gallery" if row["dataset"] == "test" else "train", row["finegrained_cat"])
        number = taken.get(place, 0)
        if row["finegrained_cat"] in CULTIVARS and number < PER_SPLIT:
            taken[place] = number + 1
            target = folder / place[0] / place[1] / f"{number:02}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(row["image_data"])


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, example_input: Path) -> Site:
    """The small benchmark, built once for all processes that test. What changes it works on a copy (`copied`)."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "built.path"
    with locked(place.with_suffix(".lock")):
        if not place.exists():
            site = make_site(tmp_path_factory.mktemp("built") / "site", example_input)
            site.run("dvc", "repro")
            place.write_text(str(site.folder))
    return Site(Path(place.read_text()))


@pytest.fixture
def copied(built: Site, tmp_path: Path) -> Iterator[Site]:
    """A copy of the built benchmark that a test may change; without its background process."""
    ignore = shutil.ignore_patterns("*.sock", "prefect", "background.*")
    shutil.copytree(built.folder, tmp_path / "site", ignore=ignore, symlinks=True)
    site = Site(tmp_path / "site")
    yield site
