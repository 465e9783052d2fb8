"""What tests share. Tests marked `example` need the example's packages; `make data` places what they hold."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from fieldguide.runtime.environment import kernel

REPOSITORY = Path(__file__).resolve().parent.parent

# Set before any test imports a library that would look for updates, models or statistics servers.
os.environ.update(
    DO_NOT_TRACK="1", DVC_NO_ANALYTICS="1", GX_ANALYTICS_ENABLED="false", HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1", PREFECT_SERVER_ANALYTICS_ENABLED="false",
    **kernel(),
)  # fmt: skip


if "PYTEST_XDIST_WORKER" in os.environ:  # several processes test: each computes on one core
    os.environ["OMP_NUM_THREADS"] = "1"

# How long a case takes is the machine's matter.
hypothesis.settings.register_profile("fieldguide", deadline=None)
hypothesis.settings.load_profile("fieldguide")

LONGEST = (
    "pipeline/test_killed.py",
    "pipeline/test_pipeline.py",
    "annotation/sync/test_chaos.py",
    "runtime/test_annotation.py",
    "runtime/test_build.py",
    "pipeline/test_judgments.py",
    "annotation/sync/test_push_chaos.py",
    "annotation/agreement/test_recovered.py",
    "annotation/sync/test_push.py",
    "annotation/form/test_browser.py",
)


@pytest.fixture(scope="session")
def example_input() -> Path:
    """data/input of this repository, as `make data` places it; skips where that was not run."""
    folder = REPOSITORY / "data" / "input"
    if not (folder / ".placed.json").exists():
        pytest.skip("data/input is not there; run `make data`")
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium: that of CHROMIUM, else the one that is installed; skips where there is none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a copy of this repository's code and params.yaml, to be run as a user would run it."""
    return copy_project(tmp_path / "project")


def copy_project(folder: Path) -> Path:
    """Copy what a clone holds and a run needs."""
    folder.mkdir(parents=True)
    for part in ("annotation", "fieldguide", "flows"):
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", "dvc.yaml", "dvc.lock", ".dvcignore", ".gitignore"):
        shutil.copy(REPOSITORY / name, folder / name)
    for name in ("calls", "external", "knowledge", "models"):
        if (REPOSITORY / "data" / name).exists():
            shutil.copytree(REPOSITORY / "data" / name, folder / "data" / name)
    for name in ("cletir", "refined"):  # what is made lies beside the README that a clone has
        (folder / "data" / name).mkdir()
        shutil.copy(REPOSITORY / "data" / name / "README.md", folder / "data" / name)
    return folder


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fast tests first, so that a mistake shows early. Several processes begin with the longest files."""
    if not hasattr(config, "workerinput"):
        items.sort(key=_is_slow)
        return
    slow = {item.path for item in items if _is_slow(item)}
    longest = {REPOSITORY / "tests" / name: -number for number, name in enumerate(reversed(LONGEST), 1)}
    items.sort(key=lambda item: longest.get(item.path, 0 if item.path in slow else 1))


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None
