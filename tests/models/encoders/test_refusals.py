"""What cannot be loaded, or must not be, is told in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.models.encoders import openclip
from fieldguide.models.encoders.registry import load_encoder
from tests.models import tiny_encoders
from tests.models.encoders.test_providers import IMAGES, load
from tests.models.tiny_encoders import SIDE, section


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"kind": "clip"}, "needs one of weights, hub; it has none"),
        ({"kind": "clip", "weights": "a", "hub": "a/b"}, "needs one of weights, hub; it has weights and hub"),
        ({"kind": "clip", "weights": "a", "hub_revision": "main"}, "only for a repository of the hub"),
        ({"kind": "clip", "hub": "../../etc"}, "should match pattern"),
        ({"kind": "open_clip"}, "needs one of weights, hub, architecture; it has none"),
        ({"kind": "open_clip", "architecture": "ViT-B-32"}, "architecture and tag belong together"),
        ({"kind": "open_clip", "weights": "a", "tag": "openai"}, "architecture and tag belong together"),
        ({"kind": "e5-v", "weights": "a", "batch": 2}, "should be 1"),
        ({"kind": "sentence-transformers", "weights": "a", "batch": 2}, "should be 1"),
        ({"kind": "sentence-transformers", "weights": "a", "dimension": 0}, "greater than"),
        ({"kind": "onnx", "weights": "a", "resize": 100}, "resize is 100; it has to be at least size"),
        ({"kind": "onnx", "weights": "a", "std": [0, 1, 1]}, "std has to be greater than 0"),
        ({"kind": "onnx", "weights": "a", "precision": "fp16"}, "should be 'fp32'"),
        ({"kind": "clip", "weights": "a", "tower": "b"}, "Extra inputs"),
        ({"kind": "clop"}, "kind 'clop' is none of 'clip', 'conse', 'dinov2', 'e5-v', 'mobilenetv2', 'onnx'"),
    ],
)
def test_sections_that_say_too_little_or_too_much(values: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        section(**values)


def test_a_model_of_another_type_is_named(published: Path) -> None:
    with pytest.raises(FieldguideError, match=r"config.json: model_type is 'dinov2'; kind clip loads clip"):
        load_encoder("mine", section(kind="clip", weights="dinov2"), published)


def test_pickled_weights_are_not_weights(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published / "clip", tmp_path / "clip")
    (tmp_path / "clip" / "model.safetensors").rename(tmp_path / "clip" / "pytorch_model.bin")
    with pytest.raises(FieldguideError, match=r"no safetensors here; pickled weights \(.bin, .pt\) are never read"):
        load("clip", tmp_path)


def test_pickled_weights_beside_the_others_change_nothing(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published / "clip", tmp_path / "clip")
    clean = load("clip", tmp_path)
    (tmp_path / "clip" / "pytorch_model.bin").write_bytes(b"\x80\x04evil")
    beside = load("clip", tmp_path)
    assert beside.revision == clean.revision
    assert beside.encode_images(IMAGES[:1]).tobytes() == clean.encode_images(IMAGES[:1]).tobytes()


def test_weights_of_another_shape_are_refused(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published / "dinov2", tmp_path / "dinov2")
    tiny_encoders.config(tmp_path / "dinov2", num_hidden_layers=2)
    with pytest.raises(
        FieldguideError, match=r"the weights lack encoder\..* they are of another model than config.json"
    ):
        load("dinov2", tmp_path).encode_images(IMAGES)
    tiny_encoders.config(tmp_path / "dinov2", num_hidden_layers=1, hidden_size=8)
    with pytest.raises(FieldguideError, match="transformers cannot load this model"):
        load("dinov2", tmp_path).encode_images(IMAGES)


def test_a_cut_file_is_refused(published: Path, tmp_path: Path) -> None:
    for name in ("clip", "open_clip"):
        shutil.copytree(published / name, tmp_path / name)
        weights = next((tmp_path / name).glob("*.safetensors"))
        weights.write_bytes(weights.read_bytes()[:100])
        with pytest.raises(FieldguideError, match="cannot load this model"):
            load(name, tmp_path).encode_images(IMAGES)


def test_a_folder_without_its_tokenizer_is_refused(published: Path, tmp_path: Path) -> None:
    shutil.copytree(published / "clip", tmp_path / "clip")
    for path in (tmp_path / "clip").glob("tokenizer*"):
        path.unlink()
    with pytest.raises(FieldguideError, match=r"no tokenizer here; expected one of tokenizer.json, vocab.json, "):
        load("clip", tmp_path).encode_texts(["a"])


def test_a_device_that_is_not_there_is_named(published: Path) -> None:
    import torch

    absent = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(FieldguideError, match=f"encoders.mine.device is {absent}, which torch does not find here"):
        load("clip", published, device=absent)


def test_auto_is_the_device_that_there_is(published: Path) -> None:
    import torch

    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        assert load("clip", published, device="auto").revision == load("clip", published, device="cpu").revision


def test_an_architecture_that_open_clip_does_not_have_is_named() -> None:
    for values, reason in (
        ({"architecture": "ViT-Z", "tag": "openai"}, "architecture is 'ViT-Z'"),
        ({"architecture": "ViT-B-32", "tag": "none"}, "tag is 'none'; ViT-B-32 has openai, "),
        ({"architecture": "ViTamin-S", "tag": "datacomp1b"}, "published only as a pickled checkpoint"),
    ):
        with pytest.raises(FieldguideError, match=reason):
            load_encoder("mine", section(kind="open_clip", **values))


def test_an_onnx_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"none")
    with pytest.raises(FieldguideError, match=r"onnxruntime cannot load this: .*one file with all its weights"):
        load("model.onnx", tmp_path)


def test_an_onnx_file_cannot_name_others(tmp_path: Path) -> None:
    import onnx

    path = tiny_encoders.onnx(tmp_path / "whole.onnx")
    outside = tmp_path / "outside.bin"
    model = onnx.load(path)
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, location=outside.name, size_threshold=0)
    assert outside.exists()
    with pytest.raises(FieldguideError, match="onnxruntime cannot load this"):
        load("model.onnx", tmp_path)


def test_an_onnx_file_with_other_ends_is_refused(tmp_path: Path) -> None:
    tiny_encoders.onnx(tmp_path / "fixed.onnx", batch=2)
    for values, reason in (
        ({"size": 64}, "has batch 1 and size 64; .* takes"),
        ({"size": SIDE, "batch": 2, "output": "logits"}, "output is 'logits'; .* has vectors"),
        ({"size": SIDE, "batch": 3}, "has batch 3 and size 32; .* takes"),
    ):
        with pytest.raises(FieldguideError, match=reason):
            load_encoder("mine", section(kind="onnx", weights="fixed.onnx", **values), tmp_path)
    fixed = load_encoder("mine", section(kind="onnx", weights="fixed.onnx", size=SIDE, batch=2), tmp_path)
    assert fixed.encode_images(IMAGES).shape == (5, 5)


def test_missing_files_are_told_before_anything_is_loaded(tmp_path: Path) -> None:
    for kind, file in (("clip", "config.json"), ("open_clip", "open_clip_config.json")):
        with pytest.raises(ProblemsError, match=f"encoders.mine.weights: nowhere/{file}: no such file"):
            load_encoder("mine", section(kind=kind, weights="nowhere"), tmp_path)


def test_open_clips_tags_lead_to_repositories_of_the_hub() -> None:
    found = openclip._published("encoders.mine", "ViT-B-32", "laion2b_s34b_b79k", None)
    assert found == ("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", None)
