"""What the folder of a model of sentence-transformers says is done, and what would reach beyond it is refused.

That vectors are those of transformers itself and depend on no neighbour is held in test_providers with all kinds.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.models.encoders.registry import load_encoder
from fieldguide.models.loading.protocols import Encoder, LacksModalityError, unit_rows
from tests.models import tiny_sentence_transformers as tiny_st
from tests.models.encoders.test_providers import IMAGES, TEXTS, load
from tests.models.tiny_encoders import config, section

QWEN = "qwen3-vl"


def of(folder: Path, **values: object) -> Encoder:
    return load_encoder("mine", section(kind="sentence-transformers", weights=folder, **values))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_st.texts(tmp_path_factory.mktemp("texts") / "texts")


@pytest.fixture
def qwen(published: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(published / QWEN, tmp_path / QWEN))


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def modules(folder: Path, number: int, **values: object) -> None:
    """Change an entry of modules.json."""
    path = folder / "modules.json"
    entries = json.loads(path.read_text())
    entries[number].update(values)
    path.write_text(json.dumps(entries))


def test_an_old_clip_is_the_clip_of_transformers(tmp_path: Path) -> None:
    encoder = of(tiny_st.clip(tmp_path / "clip"))
    plain = load_encoder("mine", section(kind="clip", weights=tmp_path / "clip" / "0_CLIPModel", batch=1))
    assert (encoder.modalities, encoder.dimension) == (plain.modalities, 8)
    np.testing.assert_allclose(encoder.encode_images(IMAGES), plain.encode_images(IMAGES), atol=1e-6)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), plain.encode_texts(TEXTS), atol=1e-6)


@pytest.mark.parametrize("prompt", ["", "a photo of "])
def test_texts_alone_through_pooling_and_a_layer(texts: Path, prompt: str) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoTokenizer, BertModel

    encoder = of(texts, query_prompt=prompt)
    assert (encoder.modalities, encoder.dimension) == ({"text"}, 12)
    network, tokenize = BertModel.from_pretrained(texts).eval(), AutoTokenizer.from_pretrained(texts)
    layer = load_file(texts / "2_Dense" / "model.safetensors")
    skipped = len(tokenize(prompt)["input_ids"]) - 1 if prompt else 0  # the prompt with what begins a text, but no end
    expected = []
    for text in TEXTS:
        tokens = tokenize(prompt + text, return_tensors="pt", truncation=True, max_length=512)
        with torch.inference_mode():
            mean = network(**tokens).last_hidden_state[0, skipped:].mean(0)
            expected.append(torch.tanh(layer["linear.weight"] @ mean + layer["linear.bias"]).numpy())
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), unit_rows(np.stack(expected)), atol=1e-5)
    with pytest.raises(LacksModalityError, match=r"encodes no images; kinds that do: .*sentence-transformers"):
        encoder.encode_images(IMAGES)


def test_a_prompt_goes_before_texts_and_not_before_images(published: Path) -> None:
    default, other = load(QWEN, published), load(QWEN, published, query_prompt="find one")
    stated = load(QWEN, published, query_prompt=tiny_st.DEFAULT_PROMPT)
    assert other.revision != default.revision
    assert other.image_revision == default.image_revision  # type: ignore[attr-defined]
    assert other.encode_images(IMAGES).tobytes() == default.encode_images(IMAGES).tobytes()
    assert stated.encode_texts(TEXTS).tobytes() == default.encode_texts(TEXTS).tobytes()
    assert not np.allclose(other.encode_texts(TEXTS), default.encode_texts(TEXTS), atol=1e-3)


def test_a_shorter_vector_is_the_beginning_of_the_whole_one(published: Path) -> None:
    whole, short = load(QWEN, published), load(QWEN, published, dimension=10)
    assert (short.dimension, short.encode_texts([]).shape) == (10, (0, 10))
    assert short.image_revision != whole.image_revision  # type: ignore[attr-defined]
    for made, full in ((short.encode_images(IMAGES), whole.encode_images(IMAGES)),
                       (short.encode_texts(TEXTS), whole.encode_texts(TEXTS))):  # fmt: skip
        np.testing.assert_allclose(made, unit_rows(full[:, :10]), atol=1e-6)
    with pytest.raises(FieldguideError, match=r"encoders.mine.dimension is 33; vectors of .*qwen3-vl have 32"):
        load(QWEN, published, dimension=33)


def test_a_text_that_looks_like_an_images_address_is_a_text(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refused(*_: object) -> Any:
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    address = ["https://example.org/apple.png", str(published / "apple.jpg")]
    assert load(QWEN, published).encode_texts(address).shape == (2, 32)


@pytest.mark.parametrize("file", ["chat_template.jinja", "1_Pooling/config.json", "config_sentence_transformers.json"])
def test_revision_is_of_all_that_is_read(qwen: Path, file: str) -> None:
    before = of(qwen).revision
    (qwen / file).write_text((qwen / file).read_text() + "\n")
    assert of(qwen).revision != before


def test_weights_are_read_once_something_is_encoded_and_once(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from transformers import Qwen3VLModel

    made: list[set[str]] = []
    whole = Qwen3VLModel.from_pretrained.__func__

    def noted(cls: Any, *args: Any, **options: Any) -> Any:
        found = whole(cls, *args, **options)
        network = found[0] if isinstance(found, tuple) else found
        made.append({parameter.device.type for parameter in network.parameters()})
        return found

    monkeypatch.setattr(Qwen3VLModel, "from_pretrained", classmethod(noted))
    encoder = load(QWEN, published, precision="bf16")
    assert made and all(devices == {"meta"} for devices in made)
    made.clear()
    encoder.encode_images(IMAGES[:1])
    encoder.encode_texts(TEXTS[:1])
    assert made == [{"cpu"}]
    network = encoder.loaded  # type: ignore[attr-defined]
    assert {(p.dtype, p.requires_grad) for p in network.parameters()} == {(torch.bfloat16, False)}
    # Rounded frequencies would put tokens elsewhere.
    assert {buffer.dtype for name, buffer in network.named_buffers() if "inv_freq" in name} == {torch.float32}


def test_code_of_the_repository_is_never_run(qwen: Path) -> None:
    (qwen / "custom_st.py").write_text("raise AssertionError('was run')")
    modules(qwen, 0, type="custom_st.Transformer")
    with pytest.raises(ProblemsError, match=r"modules.json: custom_st.Transformer is code of the repository, which is"):
        of(qwen)
    modules(qwen, 0, type="sentence_transformers.models.Transformer")
    (qwen / "modeling_mine.py").write_text("raise AssertionError('was run')")
    config(qwen, model_type="mine", auto_map={"AutoConfig": "modeling_mine.Mine", "AutoModel": "modeling_mine.Mine"})
    with pytest.raises(FieldguideError, match=r"cannot load this model: The repository .* contains custom code which"):
        of(qwen)


def test_pickled_weights_are_never_read(qwen: Path, texts: Path, tmp_path: Path) -> None:
    (qwen / "model.safetensors").rename(qwen / "pytorch_model.bin")
    with pytest.raises(ProblemsError, match=r"no safetensors here; pickled weights \(.bin, .pt\) are never read"):
        of(qwen)
    layers = Path(shutil.copytree(texts, tmp_path / "texts")) / "2_Dense"
    (layers / "pytorch_model.bin").write_bytes(b"\x80\x04evil")
    assert of(layers.parent).revision == of(texts).revision
    (layers / "model.safetensors").unlink()
    with pytest.raises(ProblemsError, match=r"2_Dense: weights only as a pickle \(pytorch_model.bin\), which is never"):
        of(layers.parent)


@pytest.mark.parametrize(
    ("file", "values", "reason"),
    [
        (
            "sentence_bert_config.json",
            {"tokenizer_name_or_path": "a/b"},
            "tokenizer_name_or_path: names a tokenizer el",
        ),
        ("adapter_config.json", {"base_model_name_or_path": "a/b"}, "an adapter, whose base is elsewhere"),
        ("config_sentence_transformers.json", {"model_type": "SparseEncoder"}, "model_type: is SparseEncoder; only a"),
    ],
)
def test_what_reads_elsewhere_or_gives_no_vector_is_refused(
    qwen: Path, file: str, values: dict[str, object], reason: str
) -> None:
    if not (qwen / file).exists():
        (qwen / file).write_text("{}")
    change(qwen / file, **values)
    with pytest.raises(ProblemsError, match=reason):
        of(qwen)


def test_modules_are_of_known_kinds_and_lie_in_the_folder(qwen: Path) -> None:
    modules(qwen, 1, type="sentence_transformers.base.modules.Router")
    with pytest.raises(ProblemsError, match=r"module 1 is sentence_transformers.base.modules.Router; allowed: Dense, "):
        of(qwen)
    modules(qwen, 1, path="../elsewhere")
    with pytest.raises(FieldguideError, match=r"modules.json: expected a list, each with"):
        of(qwen)
    (qwen / "modules.json").unlink()
    with pytest.raises(ProblemsError, match=r"encoders.mine.weights: .*modules.json: no such file"):
        of(qwen)


def test_weights_that_lack_some_of_the_networks_are_refused(qwen: Path) -> None:
    text = json.loads((qwen / "config.json").read_text())["text_config"]
    config(qwen, text_config={**text, "num_hidden_layers": 3})
    with pytest.raises(FieldguideError, match=r"the weights lack language_model.layers.2.* of another model than"):
        of(qwen)


def test_a_folder_without_its_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = tiny_st.clip(tmp_path / "clip")
    (folder / "0_CLIPModel" / "tokenizer.json").unlink()
    with pytest.raises(FieldguideError, match="cannot load this model: Couldn't instantiate the backend tokenizer"):
        of(folder)
    (folder / "0_CLIPModel" / "tokenizer_config.json").unlink()  # transformers would make one that knows no words
    with pytest.raises(FieldguideError, match=r"no tokenizer here; expected one of tokenizer.json, vocab.json, "):
        of(folder)


def test_a_model_of_sounds_is_refused(qwen: Path) -> None:
    forward = {"method": "forward", "method_output_name": "last_hidden_state"}
    change(qwen / "sentence_bert_config.json", modality_config={"video": forward})
    with pytest.raises(FieldguideError, match=r"encodes neither images nor texts alone \(but video\)"):
        of(qwen)
    change(qwen / "sentence_bert_config.json", modality_config={"image": forward, "message": forward})
    assert of(qwen).modalities == {"image"}
