"""What tests of releases share: a copy to damage of whatever release a module made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fieldguide.core.paths import Paths


@pytest.fixture
def folder(paths: Paths, tmp_path: Path) -> Path:
    """A copy of the release to damage."""
    return Path(shutil.copytree(paths.release, tmp_path / "release"))
