"""Every provider by its own loading path: what it answers is what its library's documented calls give."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldguide.core.errors import FieldguideError
from fieldguide.models.encoders.e5v import IMAGE_PROMPT, TEXT_PROMPT
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.loading.protocols import Encoder, PreparesImages, unit_rows
from fieldguide.models.loading.torchvision import declare_operators
from tests.models import tiny, tiny_encoders
from tests.models.tiny_encoders import SIDE, section
from tests.models.tiny_sentence_transformers import DEFAULT_PROMPT

# Folder: section. Two folders are of one kind.
SPECS: dict[str, dict[str, Any]] = {
    "open_clip": {"kind": "open_clip"},
    "clip": {"kind": "clip"},
    "siglip": {"kind": "siglip"},
    "siglip2": {"kind": "siglip"},
    "dinov2": {"kind": "dinov2"},
    "e5-v": {"kind": "e5-v"},
    "qwen3-vl": {"kind": "sentence-transformers"},
    "model.onnx": {"kind": "onnx", "size": SIDE},
}
# Their sections refuse more; see test_refusals.
ONE_AT_A_TIME = ("e5-v", "qwen3-vl")
TEXTS = ["a photo of red apple", "pear", "", "a photo of green fruit, " * 40]
IMAGES = tiny.images(5)


def load(folder: str, root: Path, **values: object) -> Encoder:
    return load_encoder("mine", section(weights=folder, **SPECS[folder], **values), root)


@pytest.fixture(scope="module", params=SPECS)
def folder(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def encoder(folder: str, published: Path) -> Encoder:
    return load(folder, published)


def reference(folder: Path, images: Sequence[Image.Image], texts: Sequence[str]) -> tuple[Any, Any]:
    """Features by the calls that each library documents, one image or text at a time; None where it has none."""
    declare_operators()
    import torch

    with torch.inference_mode():
        made = _REFERENCES[folder.name](folder, images, texts)
    return tuple(None if rows is None else unit_rows(torch.cat(rows).float().numpy()) for rows in made)


def _open_clip(folder: Path, images: Sequence[Image.Image], texts: Sequence[str]) -> tuple[Any, Any]:
    import open_clip

    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokenize = open_clip.get_tokenizer(f"local-dir:{folder}")
    return [model.encode_image(transform(i)[None]) for i in images], [model.encode_text(tokenize([t])) for t in texts]


def _two_towers(folder: Path, images: Sequence[Image.Image], texts: Sequence[str], **options: Any) -> tuple[Any, Any]:
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(folder).eval()
    prepare, tokenize = AutoImageProcessor.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    seen = [model.get_image_features(**prepare(images=i, return_tensors="pt")).pooler_output for i in images]
    tokens = [tokenize(t, truncation=True, max_length=16, return_tensors="pt", **options) for t in texts]
    return seen, [model.get_text_features(**t).pooler_output for t in tokens]


def _siglip(folder: Path, images: Sequence[Image.Image], texts: Sequence[str]) -> tuple[Any, Any]:
    return _two_towers(folder, images, texts, padding="max_length", return_attention_mask=False)


def _dinov2(folder: Path, images: Sequence[Image.Image], texts: Sequence[str]) -> tuple[Any, Any]:
    from transformers import AutoImageProcessor, Dinov2Model

    model, prepare = Dinov2Model.from_pretrained(folder).eval(), AutoImageProcessor.from_pretrained(folder)
    return [model(**prepare(images=i, return_tensors="pt")).last_hidden_state[:, 0] for i in images], None


def _e5v(folder: Path, images: Sequence[Image.Image], texts: Sequence[str]) -> tuple[Any, Any]:
    from transformers import LlavaNextForConditionalGeneration, LlavaNextProcessor

    model = LlavaNextForConditionalGeneration.from_pretrained(folder).eval()
    processor = LlavaNextProcessor.from_pretrained(folder)

    def last(**inputs: Any) -> Any:
        return model(**inputs, output_hidden_states=True, return_dict=True).hidden_states[-1][:, -1]

    seen = [last(**processor(images=i, text=IMAGE_PROMPT, return_tensors="pt")) for i in images]
    return seen, [last(**processor.tokenizer(TEXT_PROMPT.format(text=t), return_tensors="pt")) for t in texts]


def _qwen3_vl(folder: Path, images: Sequence[Image.Image], texts: Sequence[str]) -> tuple[Any, Any]:
    from transformers import Qwen3VLModel, Qwen3VLProcessor

    model = Qwen3VLModel.from_pretrained(folder).eval()
    processor = Qwen3VLProcessor.from_pretrained(folder)
    chat = f"<|im_start|>system\n{DEFAULT_PROMPT}<|im_end|>\n<|im_start|>user\n{{}}<|im_end|>\n<|im_start|>assistant\n"
    pixels = chat.format("<|vision_start|><|image_pad|><|vision_end|>")
    seen = [model(**processor(images=i, text=pixels, return_tensors="pt")).last_hidden_state[:, -1] for i in images]
    said = [processor.tokenizer(chat.format(text), return_tensors="pt") for text in texts]
    return seen, [model(**inputs).last_hidden_state[:, -1] for inputs in said]


def _onnx(path: Path, images: Sequence[Image.Image], texts: Sequence[str]) -> tuple[Any, Any]:
    import onnx
    import torch
    from onnx.reference import ReferenceEvaluator
    from torchvision.transforms import functional, v2

    run = ReferenceEvaluator(onnx.load(path)).run
    rows = []
    for image in images:
        resized = functional.resize(image, SIDE, interpolation=v2.InterpolationMode.BICUBIC)
        pixels = functional.to_tensor(functional.center_crop(resized, [SIDE, SIDE]))
        pixels = functional.normalize(pixels, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        rows.append(torch.from_numpy(run(None, {"pixels": pixels[None].numpy()})[0]))
    return rows, None


_REFERENCES = {
    "open_clip": _open_clip, "clip": _two_towers, "siglip": _siglip, "siglip2": _siglip, "dinov2": _dinov2,
    "e5-v": _e5v, "qwen3-vl": _qwen3_vl, "model.onnx": _onnx,
}  # fmt: skip


def test_vectors_are_what_the_library_itself_gives(encoder: Encoder, folder: str, published: Path) -> None:
    images, texts = reference(published / folder, IMAGES, TEXTS)
    np.testing.assert_allclose(encoder.encode_images(IMAGES), images, atol=1e-5)
    if texts is None:
        with pytest.raises(FieldguideError, match="encodes no texts; kinds that do: clip, conse, e5-v, open_clip"):
            encoder.encode_texts(TEXTS)
    else:
        np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts, atol=1e-5)


def test_different_inputs_get_different_vectors(encoder: Encoder) -> None:
    assert len({row.tobytes() for row in encoder.encode_images(IMAGES)}) == len(IMAGES)
    if "text" in encoder.modalities:
        assert len({row.tobytes() for row in encoder.encode_texts(TEXTS)}) == len(TEXTS)


def test_nothing_to_encode_gives_no_rows(encoder: Encoder) -> None:
    assert encoder.encode_images([]).shape == (0, encoder.dimension)
    if "text" in encoder.modalities:
        assert encoder.encode_texts([]).shape == (0, encoder.dimension)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_vector_does_not_depend_on_what_is_encoded_beside_it(folder: str, published: Path, batch: int) -> None:
    if batch > 1 and folder in ONE_AT_A_TIME:
        return
    encoder = load(folder, published, batch=batch)
    images, order = encoder.encode_images(IMAGES), [3, 1, 4, 0, 2]

    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(cut=st.integers(0, len(IMAGES)))
    def same(cut: int) -> None:
        shuffled = [IMAGES[n] for n in order]
        parts = np.concatenate([encoder.encode_images(shuffled[:cut]), encoder.encode_images(shuffled[cut:])])
        assert parts.tobytes() == images[order].tobytes()

    same()
    if "text" in encoder.modalities:
        texts = encoder.encode_texts(TEXTS)
        assert encoder.encode_texts(TEXTS[::-1]).tobytes() == texts[::-1].tobytes()
        assert encoder.encode_texts(TEXTS[1:2]).tobytes() == texts[1:2].tobytes()


def test_images_can_be_prepared_apart(encoder: Encoder) -> None:
    assert isinstance(encoder, PreparesImages)
    prepared = [encoder.prepare_image(image) for image in IMAGES]
    assert encoder.encode_prepared(prepared).tobytes() == encoder.encode_images(IMAGES).tobytes()


def test_images_without_three_colours_are_encoded_as_they_look(encoder: Encoder) -> None:
    grey = IMAGES[0].convert("L")
    assert encoder.encode_images([grey]).tobytes() == encoder.encode_images([grey.convert("RGB")]).tobytes()


@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.06), ("fp16", 0.01)])
def test_half_precision_is_near_and_has_a_revision_of_its_own(
    folder: str, published: Path, precision: str, tolerance: float
) -> None:
    if folder == "model.onnx":
        return  # a file's precision is its own; see test_sections
    full, half = load(folder, published), load(folder, published, precision=precision)
    assert half.revision != full.revision
    found: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = [(full.encode_images(IMAGES), half.encode_images(IMAGES))]
    if "text" in full.modalities:
        found.append((full.encode_texts(TEXTS), half.encode_texts(TEXTS)))
    for exact, rounded in found:
        assert rounded.dtype == np.float32
        assert not np.array_equal(exact, rounded)
        np.testing.assert_allclose((exact * rounded).sum(1), 1, atol=tolerance)


def test_revision_is_of_the_bytes_and_of_what_can_change_the_last_bits(folder: str, published: Path) -> None:
    same = load(folder, published).revision
    assert load(folder, published).revision == same
    if folder not in ONE_AT_A_TIME:
        assert load(folder, published, batch=2).revision != same
    assert load(folder, published, dtype="float32").revision == same  # of the stored vectors, not the computed ones


def test_a_folder_with_other_weights_is_another_revision(folder: str, published: Path, tmp_path: Path) -> None:
    if folder == "model.onnx":
        tiny_encoders.onnx(tmp_path / folder, name="renamed")
    else:
        shutil.copytree(published / folder, tmp_path / folder)
        weights = next((tmp_path / folder).glob("*.safetensors"))
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert load(folder, tmp_path).revision != load(folder, published).revision
