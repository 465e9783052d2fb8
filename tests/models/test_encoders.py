from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldguide.core.errors import FieldguideError
from fieldguide.models.encoders.conse import convex_combination
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.loading.parallel import each
from fieldguide.models.loading.protocols import Encoder
from tests.models import tiny
from tests.models.tiny_encoders import section

SPECS = {
    "mobilenetv2": {"weights": "mobilenetv2.safetensors"},
    "conse": {"weights": "mobilenetv2.safetensors", "text": "minilm"},
    "text-tower": {"weights": "mobilenetv2.safetensors", "text": "minilm", "tower": "tower"},
    "open_clip": {"weights": "clip"},
}
DIMENSIONS = {"mobilenetv2": 1280, "conse": 384, "text-tower": 1280, "open_clip": 16}
TEXTS = ["", "a", "a photo of red apple", "pear", "a photo of green fruit, " * 40, "pear"]
IMAGES = tiny.images(5)


@pytest.fixture(scope="module", params=SPECS)
def encoder(request: pytest.FixtureRequest, weights: Path) -> Encoder:
    return load_encoder("mine", section(kind=request.param, **SPECS[request.param]), weights)


def _load(kind: str, root: Path) -> Encoder:
    return load_encoder("mine", section(kind=kind, **SPECS[kind]), root)


def test_vectors_are_unit_rows_of_the_stated_dimension(encoder: Encoder, request: pytest.FixtureRequest) -> None:
    assert encoder.dimension == DIMENSIONS[request.node.callspec.params["encoder"]]
    found = [encoder.encode_images(IMAGES)]
    if "text" in encoder.modalities:
        found.append(encoder.encode_texts(TEXTS))
    for vectors, count in zip(found, (len(IMAGES), len(TEXTS)), strict=False):
        assert vectors.shape == (count, encoder.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_nothing_to_encode_gives_no_rows(encoder: Encoder) -> None:
    assert encoder.encode_images([]).shape == (0, encoder.dimension)
    if "text" in encoder.modalities:
        assert encoder.encode_texts([]).shape == (0, encoder.dimension)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(IMAGES))), cut=st.integers(0, len(IMAGES)))
def test_an_images_vector_does_not_depend_on_its_batch(encoder: Encoder, order: list[int], cut: int) -> None:
    whole = encoder.encode_images(IMAGES)
    shuffled = [IMAGES[n] for n in order]
    parts = np.concatenate([encoder.encode_images(shuffled[:cut]), encoder.encode_images(shuffled[cut:])])
    assert parts.tobytes() == whole[order].tobytes()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(len(TEXTS))), cut=st.integers(0, len(TEXTS)))
def test_a_texts_vector_does_not_depend_on_its_batch(encoder: Encoder, order: list[int], cut: int) -> None:
    if "text" not in encoder.modalities:
        return
    whole = encoder.encode_texts(TEXTS)
    shuffled = [TEXTS[n] for n in order]
    parts = np.concatenate([encoder.encode_texts(shuffled[:cut]), encoder.encode_texts(shuffled[cut:])])
    assert parts.tobytes() == whole[order].tobytes()


def test_vectors_do_not_depend_on_torchs_threads(weights: Path) -> None:
    import torch

    encoder, before = _load("mobilenetv2", weights), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = encoder.encode_images(IMAGES)
        torch.set_num_threads(4)
        four = encoder.encode_images(IMAGES)
        assert torch.get_num_threads() == 4  # given back as it was found
    finally:
        torch.set_num_threads(before)
    assert one.tobytes() == four.tobytes()


def test_each_keeps_order_and_passes_errors_on() -> None:
    assert each(lambda n: n * n, range(100)) == [n * n for n in range(100)]
    with pytest.raises(ZeroDivisionError):
        each(lambda n: 1 // n, [1, 0])


def test_an_encoder_without_texts_names_kinds_that_have_them(weights: Path) -> None:
    with pytest.raises(FieldguideError) as error:
        _load("mobilenetv2", weights).encode_texts(["a"])
    assert str(error.value) == (
        "encoders.mine (kind mobilenetv2) encodes no texts; "
        "kinds that do: clip, conse, e5-v, open_clip, sentence-transformers, siglip, text-tower"
    )


@pytest.mark.parametrize("kind", SPECS)
def test_revision_follows_the_bytes_of_the_weights(kind: str, weights: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(weights, copy)
    assert _load(kind, copy).revision == _load(kind, weights).revision
    path = copy / ("clip/open_clip_model.safetensors" if kind == "open_clip" else "mobilenetv2.safetensors")
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    assert _load(kind, copy).revision != _load(kind, weights).revision


def test_text_tower_and_conse_share_their_parts_but_no_revision(weights: Path) -> None:
    assert len({_load(kind, weights).revision for kind in SPECS}) == len(SPECS)


def test_text_towers_images_lie_in_mobilenets_space(weights: Path) -> None:
    tower, image = _load("text-tower", weights), _load("mobilenetv2", weights)
    assert tower.encode_images(IMAGES).tobytes() == image.encode_images(IMAGES).tobytes()


def test_conse_weighs_the_likeliest_classes_only() -> None:
    probabilities = np.array([[0.5, 0.25, 0.25], [0.1, 0.3, 0.6]], dtype=np.float32)
    classes = np.array([[1, 0], [0, 1], [8, 8]], dtype=np.float32)
    # Two of three classes: (0.5 * [1, 0] + 0.25 * [0, 1]) / 0.75, the tie of the last two going to the first of them;
    # (0.3 * [0, 1] + 0.6 * [8, 8]) / 0.9.
    expected = [[2 / 3, 1 / 3], [16 / 3, 17 / 3]]
    np.testing.assert_allclose(convex_combination(probabilities, classes, top=2), expected, rtol=1e-6)


def test_pickled_weights_beside_a_clip_are_not_read(weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights / "clip", tmp_path / "clip")
    (tmp_path / "clip" / "open_clip_pytorch_model.bin").write_bytes(b"\x80\x04evil")
    clean, beside = _load("open_clip", weights), _load("open_clip", tmp_path)
    assert beside.revision == clean.revision
    assert beside.encode_texts(["a"]).tobytes() == clean.encode_texts(["a"]).tobytes()


def test_a_clip_without_its_dimension_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "open_clip_config.json").write_text("{}")
    (tmp_path / "clip" / "open_clip_model.safetensors").write_bytes(b"")
    with pytest.raises(FieldguideError, match=r"open_clip_config.json: model_cfg.embed_dim is missing"):
        _load("open_clip", tmp_path)


def test_a_tower_that_does_not_fit_its_config_is_refused(weights: Path, tmp_path: Path) -> None:
    shutil.copytree(weights, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "tower" / "config.json"
    config.write_text(config.read_text().replace('"hidden": 8', '"hidden": 9'))
    with pytest.raises(FieldguideError, match=r"model.safetensors: does not fit config.json"):
        _load("text-tower", tmp_path).encode_texts(["a"])
    config.write_text("{}")
    with pytest.raises(FieldguideError, match=r"config.json: `network` is missing"):
        _load("text-tower", tmp_path).encode_texts(["a"])
