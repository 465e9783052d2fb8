from __future__ import annotations

from pathlib import Path

import pytest

from tests.models import tiny


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one tiny model of every kind."""
    root = tmp_path_factory.mktemp("weights")
    tiny.minilm(root / "minilm")
    tiny.mobilenetv2(root / "mobilenetv2.safetensors")
    tiny.tower(root / "tower")
    tiny.generator(root / "generator")
    tiny.open_clip(root / "clip")
    tiny.pipeline(root / "pipeline")
    return root
