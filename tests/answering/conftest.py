from __future__ import annotations

from pathlib import Path

import pytest

from fieldguide.core.paths import Paths
from tests.answering.benchmark import asking_benchmark
from tests.models.endpoint import KEY


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """The benchmark in miniature, to be read alone."""
    return asking_benchmark(tmp_path_factory.mktemp("asking"))


@pytest.fixture
def own_paths(tmp_path: Path) -> Paths:
    """The same, to be written to."""
    return asking_benchmark(tmp_path / "benchmark")


@pytest.fixture
def chat_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the endpoints of these tests, and no proxy before them."""
    monkeypatch.setenv("TEST_CHAT_KEY", KEY)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
