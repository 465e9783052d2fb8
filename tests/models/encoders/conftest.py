from __future__ import annotations

from pathlib import Path

import pytest

from tests.models import tiny, tiny_encoders, tiny_sentence_transformers


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one tiny model of each provider, as its library saves it."""
    root = tmp_path_factory.mktemp("published")
    tiny.open_clip(root / "open_clip")
    tiny_encoders.clip(root / "clip")
    tiny_encoders.siglip(root / "siglip")
    tiny_encoders.siglip2(root / "siglip2")
    tiny_encoders.dinov2(root / "dinov2")
    tiny_encoders.llava_next(root / "e5-v")
    tiny_sentence_transformers.qwen3_vl_embedding(root / "qwen3-vl")
    tiny_encoders.onnx(root / "model.onnx")
    return root
