"""Captioners by their real loading path: transformers' folders, torchvision's weights, an endpoint that misbehaves."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.models.captioners.registry import CAPTIONERS, load_captioner
from fieldguide.models.captioners.section import AnyCaptioner as Section
from fieldguide.models.loading.protocols import Refused
from tests.models import tiny
from tests.models.captioners import tiny_captioners
from tests.models.endpoint import HTTP_500, KEY, REFUSED, completion, serve

_SECTION: TypeAdapter[Any] = TypeAdapter(Section)


def load(root: Path, **values: Any) -> Any:
    return load_captioner("it", _SECTION.validate_python(values), root)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("captioners")
    tiny_captioners.blip(root / "blip")
    tiny_captioners.git(root / "git")
    tiny.mobilenetv2(root / "mobilenetv2.safetensors")
    return root


@pytest.mark.parametrize("model", ["blip", "git"])
def test_models_of_transformers_load_offline_and_say_what_they_see(folders: Path, model: str) -> None:
    captioner, images = load(folders, kind="image-to-text", weights=model, tokens=6), tiny.images(4)
    captions = captioner.caption(images)
    assert len(set(captions)) > 1
    for caption in captions:
        assert 1 <= len(caption.split()) <= 6
        assert set(caption.split()) <= {"a", "photo", "of", "red", "green", "fruit", "apple", "pear"}
    assert captioner.caption(images[2:3]) == captions[2:3]
    assert captioner.caption([]) == []
    again = load(folders, kind="image-to-text", weights=model, tokens=6)
    assert (again.revision, again.caption(images)) == (captioner.revision, captions)


def test_what_determines_a_caption_is_in_the_revision(folders: Path) -> None:
    sections: list[dict[str, Any]] = [
        {"kind": "image-to-text", "weights": "blip", "tokens": 6},
        {"kind": "image-to-text", "weights": "blip", "tokens": 7},
        {"kind": "image-to-text", "weights": "blip", "tokens": 6, "precision": "bf16"},
        {"kind": "image-to-text", "weights": "git", "tokens": 6},
        {"kind": "classes", "weights": "mobilenetv2.safetensors", "top": 3},
        {"kind": "classes", "weights": "mobilenetv2.safetensors", "top": 2},
    ]
    assert len({load(folders, **values).revision for values in sections}) == len(sections)


def test_pickled_weights_are_never_read(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text((folders / "blip" / "config.json").read_text())
    (tmp_path / "model" / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(FieldguideError, match=r"no safetensors here; pickled weights \(\.bin, \.pt\) are never read"):
        load(tmp_path, kind="image-to-text", weights="model")


def test_a_missing_model_is_told_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match=r"captioners\.it\.weights: gone/config\.json: no such file"):
        load(tmp_path, kind="image-to-text", weights="gone")


def test_classes_names_the_likeliest_ones(folders: Path) -> None:
    from torchvision.models import MobileNet_V2_Weights

    captioner = load(folders, kind="classes", weights="mobilenetv2.safetensors", top=2)
    names = MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"]
    for image, caption in zip(images := tiny.images(3), captioner.caption(images), strict=True):
        first, second = np.argsort(-captioner._network.probabilities([image])[0], kind="stable")[:2]
        assert caption == f"a photo of {names[first]} or {names[second]}"


@pytest.fixture
def chat_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CHAT_KEY", KEY)


def _chat(base_url: str, **other: Any) -> dict[str, Any]:
    chat = {"base_url": base_url, "model": "tiny", "api_key_variable": "TEST_CHAT_KEY", "retries": 1, "concurrency": 1}
    return {"kind": "chat", "chat": chat, **other}


@pytest.mark.usefixtures("chat_key")
def test_a_chat_model_is_shown_the_image_and_asked_once(tmp_path: Path) -> None:
    image = tiny.images(1)[0]
    with serve(HTTP_500, completion("  A green\n apple. ")) as server:
        captioner = load(tmp_path, **_chat(server.base_url, side=64, question="What is it?"))
        assert captioner.caption([image]) == ["A green apple."]
        asked = len(server.requests)
        assert (
            load(tmp_path, **_chat(server.base_url, side=64, question="What is it?")).caption([image, image])
            == ["A green apple."] * 2
        )
        assert len(server.requests) == asked == 2
    words, shown = server.requests[-1]["messages"][1]["content"]
    assert words["text"] == "What is it?"
    sent = Image.open(io.BytesIO(base64.b64decode(shown["image_url"]["url"].partition("base64,")[2])))
    assert max(sent.size) == min(64, max(image.size))


@pytest.mark.usefixtures("chat_key")
def test_a_refusal_is_no_caption(tmp_path: Path) -> None:
    with serve(REFUSED) as server:
        (answer,) = load(tmp_path, **_chat(server.base_url)).caption(tiny.images(1))
    assert answer == Refused("I will not.")


def test_kinds_are_told() -> None:
    assert CAPTIONERS.names() == ["chat", "classes", "image-to-text"]
    with pytest.raises(ValueError, match="kind 'blip' is none of 'chat', 'classes', 'image-to-text'"):
        _SECTION.validate_python({"kind": "blip"})
