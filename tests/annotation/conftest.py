"""A real Label Studio for the tests of annotation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldguide.annotation.label_studio.accounts import ASSESSORS, KEY, URL
from tests.annotation.real_server import LabelStudioServer, migrated_state, use_label_studio

# Whoever runs the tests may have a server of their own in the environment; tests must never speak to it.
for _name in (URL, KEY, ASSESSORS, "FIELDGUIDE_ANNOTATION_DATABASE"):
    os.environ.pop(_name, None)


@pytest.fixture(scope="session")
def label_studio_executable() -> Path:
    """`label-studio`: that of FIELDGUIDE_LABEL_STUDIO, else this repository's, installed if it is missing."""
    return use_label_studio()


@pytest.fixture(scope="session")
def migrated(label_studio_executable: Path) -> Path:
    """The state folder of a server that never judged anything; copy it."""
    return migrated_state()


@pytest.fixture
def server(migrated: Path, tmp_path: Path) -> Iterator[LabelStudioServer]:
    """A server of the test's own, with an empty data base and everybody signed up."""
    with LabelStudioServer.fresh(tmp_path / "benchmark") as server:
        yield server


@pytest.fixture(scope="module")
def shared_server(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    """A server for all tests of a module: each makes projects of its own, none harms it."""
    with LabelStudioServer.fresh(tmp_path_factory.mktemp("shared") / "benchmark") as server:
        yield server
