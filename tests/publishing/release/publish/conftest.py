"""A release in miniature to publish, and the same with another version."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fieldguide.publishing.release.make import make_release
from tests.builders import tiny_params
from tests.finished import finished_benchmark


def made(folder: Path, version: str) -> Path:
    params = tiny_params(release={"version": version})
    paths = finished_benchmark(folder, params)
    make_release(params, paths)
    return paths.release


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 0.1.0; not to be changed."""
    return made(tmp_path_factory.mktemp("first"), "0.1.0")


@pytest.fixture(scope="session")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 0.2.0; not to be changed."""
    return made(tmp_path_factory.mktemp("second"), "0.2.0")


@pytest.fixture
def folder(first: Path, tmp_path: Path) -> Path:
    """A copy of version 0.1.0 to change."""
    return Path(shutil.copytree(first, tmp_path / "release"))


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secrets of whoever runs the tests, and none of their services."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "HF_TOKEN")):
            monkeypatch.delenv(name)
