"""The example package of docs/extending.md: installed as anybody would install it, and run by its stages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from fieldguide.core.paths import Paths
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.embeddings import Embeddings
from fieldguide.records.runs import read_run
from tests.builders import tiny_benchmark, tiny_params
from tests.conftest import REPOSITORY, copy_project

PACKAGE = Path(__file__).parent / "example_package"
ENCODER, GENERATOR, SYSTEM = "colours", "swatches", "all-agree"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package in a folder of its own."""
    source, target = tmp_path_factory.mktemp("source") / "package", tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    flags = ["--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    done = subprocess.run([*pip, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A clone with the miniature benchmark, and params.yaml that names the package's kinds."""
    root = copy_project(tmp_path_factory.mktemp("extended") / "project")
    paths = tiny_benchmark(root)
    values = tiny_params().model_dump(mode="json", exclude_none=True)
    values["encoders"] = {ENCODER: {"kind": "colour-histogram", "levels": 3}}
    values["embed"]["encoders"] = [ENCODER]
    for section in ("mine", "fidelity"):
        values[section]["encoder"] = ENCODER
    values["generators"][GENERATOR] = {"kind": "swatch", "size": 24}
    values["visualize"]["generator"] = GENERATOR
    values["systems"] = {SYSTEM: {"kind": "agreement", "encoder": ENCODER, "images": 2}}
    for section in ("retrieve", "pool", "answer"):
        values[section]["systems"] = [SYSTEM]
    values["evaluate"]["baseline"] = SYSTEM
    (root / "params.yaml").write_text(yaml.safe_dump(values))
    return paths


def run(paths: Paths, site: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FIELDGUIDE_TRACK": "0", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(site) if site else ""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=paths.root, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_an_encoder_a_generator_and_a_system_of_another_package_run_through_the_stages(
    installed: Path, benchmark: Paths
) -> None:
    for arguments, told in (
        (("flows.visualize",), f"{GENERATOR}: 4 drawn now, 0 drawn before, 4 failed"),
        (("flows.embed",), f"{ENCODER}: 23 images, 23 encoded now"),
        (("flows.embed_queries",), f"{ENCODER}: 4 queries, 4 encoded now"),
        (("flows.retrieve",), f"{SYSTEM}: 8 of 11 subtopics over 17 images"),
    ):
        done = run(benchmark, installed, *arguments)
        assert done.returncode == 0, done.stderr
        assert told in done.stdout
    drawings = DRAWINGS.read(benchmark.drawings)
    failed = drawings[drawings["status"] == "failed"]
    assert set(failed["reason"]) == {"the prompt names no colour of red, green, orange, granny"}
    assert Embeddings.open(benchmark.embeddings(ENCODER)).meta.dimension == 27
    _check_ranking(benchmark, read_run(benchmark.run("fullrank", SYSTEM)), drawings)


def _check_ranking(paths: Paths, ranked: pd.DataFrame, drawings: pd.DataFrame) -> None:
    """The best photograph is the one whose least similarity with the phrase's drawings is greatest."""
    images, queries = Embeddings.open(paths.embeddings(ENCODER)), Embeddings.open(paths.queries(ENCODER))
    of_prompt = drawings[drawings["status"] == "ok"].groupby("prompt")["drawing_id"].apply(list)
    found = set()
    for _, lines in ranked.groupby("subtopic_id", observed=True):
        ids = list(lines["image_id"])
        least = {
            prompt: (queries.rows("drawing", made) @ images.rows("image", ids).T).min(axis=0)
            for prompt, made in of_prompt.items()
        }
        matches = {prompt for prompt, scores in least.items() if np.allclose(scores, lines["score"], atol=1e-5)}
        assert matches
        found |= matches
    assert found == set(of_prompt.index)


@pytest.mark.slow
def test_without_the_package_its_kinds_are_named_with_those_there_are(benchmark: Paths) -> None:
    done = run(benchmark, None, "flows.retrieve")
    assert done.returncode != 0
    assert "kind 'agreement' is none of" in done.stderr
    assert "and no installed package offers it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_doctor_lists_what_the_package_offers(installed: Path, benchmark: Paths) -> None:
    done = run(benchmark, installed, "fieldguide.cli.main", "doctor")
    assert "colour-histogram" in done.stdout
    assert "swatch" in done.stdout


def test_the_manual_shows_the_package_as_it_is() -> None:
    manual = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"```(?:python|toml)\n(.*?)```", manual, flags=re.DOTALL))
    files = [PACKAGE / "pyproject.toml", *(PACKAGE / "src" / "fieldguide_colours").glob("[a-z]*.py")]
    assert len(files) == 4
    for file in files:
        assert file.read_text(encoding="utf-8") in shown, f"{file.name} is not in docs/extending.md as it is"
