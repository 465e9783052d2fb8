"""What docs/encoders.md shows can be written in params.yaml as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import yaml

from fieldguide.models.catalogue import usual_models
from fieldguide.models.encoders import openclip
from fieldguide.models.encoders.registry import ENCODERS, load_encoder
from fieldguide.models.loading.protocols import unit_rows
from fieldguide.retrieval.encoding.section import Embed
from tests.conftest import REPOSITORY
from tests.models import tiny_sentence_transformers
from tests.models.encoders.test_providers import IMAGES, TEXTS
from tests.models.tiny_encoders import section

_TEXT = (REPOSITORY / "docs" / "encoders.md").read_text(encoding="utf-8")


def test_the_example_is_valid_and_its_model_is_published() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", _TEXT, re.DOTALL)
    values = yaml.safe_load(block)
    made = {name: section(**one) for name, one in values["encoders"].items()}
    assert Embed.model_validate(values["embed"]).encoders == list(made)
    clip = made["clip"]
    assert openclip._published("encoders.clip", clip.architecture, clip.tag, None).id.startswith("laion/CLIP-ViT-L-14")


def test_gme_saved_as_shown_is_what_its_own_script_computes(tmp_path: Path) -> None:
    """Against the prompts and the pooling of gme_inference.py, by transformers alone."""
    import torch
    from transformers import Qwen2VLModel, Qwen2VLProcessor

    published = tiny_sentence_transformers.qwen_vl(tmp_path / "published", generation=2)
    folder = tmp_path / "gme"
    (code,) = re.findall(r"```python\n(.*?)```", _TEXT, re.DOTALL)
    here = {
        "Alibaba-NLP/gme-Qwen2-VL-2B-Instruct": published, "data/input/weights/gme-qwen2-vl-2b": folder,
        "bfloat16": "float32", "28 * 28": "8 * 8",
    }  # fmt: skip
    for shown, tiny in here.items():
        assert shown in code
        code = code.replace(shown, str(tiny))
    exec(code, {})
    catalogued = next(model for model in usual_models() if model.name == "gme-qwen2-vl-2b").section
    encoder = load_encoder("gme", section(**{**catalogued, "weights": folder, "precision": "fp32", "device": "cpu"}))

    network = Qwen2VLModel.from_pretrained(published).eval()
    processor = Qwen2VLProcessor.from_pretrained(published)
    size = {"shortest_edge": 256 * 8 * 8, "longest_edge": 1280 * 8 * 8}
    message = "<|im_start|>system\n{}<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"
    pixels = message.format("You are a helpful assistant.", "<|vision_start|><|image_pad|><|vision_end|>")
    said = [message.format(catalogued["query_prompt"], text) for text in TEXTS]
    made = [processor(images=image, text=pixels, size=size, return_tensors="pt") for image in IMAGES]
    assert min(int(one["image_grid_thw"].prod()) for one in made) >= 256  # the published folder's own size has 64
    with torch.inference_mode():
        seen = [network(**one).last_hidden_state[:, -1] for one in made]
        read = [network(**processor.tokenizer(t, return_tensors="pt")).last_hidden_state[:, -1] for t in said]
    np.testing.assert_allclose(encoder.encode_images(IMAGES), unit_rows(torch.cat(seen).numpy()), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), unit_rows(torch.cat(read).numpy()), atol=1e-5)


def test_every_kind_of_this_package_is_in_the_manual() -> None:
    rows = re.findall(r"^\| (`.*?) \|", _TEXT, re.MULTILINE)
    named = {kind for row in rows for kind in re.findall(r"`([a-z0-9_-]+)`", row)}
    assert named == {name for name in ENCODERS.names() if name not in ENCODERS._plugins()}
