"""A world a test may break, copied from one that is made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fieldguide.core.paths import Paths
from tests.retrieval.systems.worlds import world


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world(tmp_path_factory.mktemp("world")).root


@pytest.fixture
def paths(_made: Path, tmp_path: Path) -> Paths:
    """See `worlds.world`."""
    shutil.copytree(_made, tmp_path / "world")
    return Paths(tmp_path / "world")
