"""Vision-language models of transformers as answerers: tiny folders, loaded by the real loaders."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from fieldguide.answering.answerers.image_text_to_text import ImageTextToText, messages
from fieldguide.answering.asking import LoadedAnswerer
from fieldguide.answering.prompting import prompt
from fieldguide.answering.question import Question, Shown
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.models.loading.protocols import Refused
from tests.answering.answerers import tiny_models
from tests.answering.benchmark import answerer, question, section, shown, topic
from tests.models import tiny, tiny_encoders

MODELS = ("llava", "qwen")
KIND = "image-text-to-text"
ASKED = topic("red fruit or green pear", ("apple", "pear"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("answerers")
    tiny_models.llava_next(root / "llava")
    tiny_models.qwen2_vl(root / "qwen")
    return root


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shown, ...]:
    files = []
    for image in tiny.images(4):
        stream = io.BytesIO()
        image.save(stream, "PNG")
        files.append(stream.getvalue())
    return shown(tmp_path_factory.mktemp("pictures"), *files)


def some_questions(pictures: tuple[Shown, ...]) -> list[Question]:
    return [
        question(ASKED, pictures[:2], pictures[2:]),
        question(ASKED, pictures[2:], pictures[:2]),
        question(ASKED, (pictures[1], pictures[0]), pictures[2:]),
        question(ASKED, pictures[:1]),
        question(ASKED),
    ]


def words_by_hand(folder: Path, asked: Question, tokens: int) -> str:
    """The likeliest word after the likeliest word, the whole text read anew for each."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder)
    network = AutoModelForImageTextToText.from_pretrained(folder).eval()
    told = prompt(asked)
    text = processor.apply_chat_template(messages(told), add_generation_prompt=True)
    images = [part.image() for part in told.parts if isinstance(part, Shown)]
    inputs = dict(processor(text=text, images=images or None, return_tensors="pt"))
    start = inputs["input_ids"].shape[1]
    for _ in range(tokens):
        with torch.no_grad():
            best = network(**inputs).logits[:, -1:].argmax(-1)
        if best.item() == network.generation_config.eos_token_id:
            break
        for name, value in (("input_ids", best), ("attention_mask", best * 0 + 1), ("mm_token_type_ids", best * 0)):
            if name in inputs:
                inputs[name] = torch.cat([inputs[name], value], dim=1)
    return str(processor.batch_decode(inputs["input_ids"][:, start:], skip_special_tokens=True)[0]).strip()


@pytest.mark.parametrize("model", MODELS)
def test_it_says_the_likeliest_words_of_what_it_is_shown_in_order(
    folders: Path, pictures: tuple[Shown, ...], model: str
) -> None:
    asking, asked = answerer(folders, kind=KIND, weights=model, tokens=6), some_questions(pictures)
    made = asking.answer(asked)
    texts = [reply.text for reply in made]
    assert texts == [words_by_hand(folders / model, one, 6) for one in asked]
    assert texts[0] != texts[1]  # the same images, of the other one
    assert len(set(texts)) > 3
    assert all(1 <= reply.completion_tokens <= 6 < reply.prompt_tokens for reply in made)


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_does_not_depend_on_what_is_asked_beside_it(
    folders: Path, pictures: tuple[Shown, ...], model: str
) -> None:
    asked = some_questions(pictures)
    together = answerer(folders, kind=KIND, weights=model, tokens=6).answer(asked)
    another = answerer(folders, kind=KIND, weights=model, tokens=6)
    assert [another.answer([one])[0] for one in reversed(asked)] == together[::-1]


def test_images_are_shown_no_larger_than_asked_for(folders: Path, pictures: tuple[Shown, ...]) -> None:
    asked = question(ASKED, pictures[:2])
    large, small = (answerer(folders, kind=KIND, weights="qwen", tokens=6, side=side) for side in (768, 8))
    assert small.answer([asked])[0].prompt_tokens < large.answer([asked])[0].prompt_tokens


def test_what_was_answered_is_not_computed_again(
    folders: Path, pictures: tuple[Shown, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folders / "qwen", tmp_path / "qwen")
    spec, asked = section(kind=KIND, weights="qwen", tokens=6), some_questions(pictures)
    first = LoadedAnswerer("it", spec, tmp_path).answer(asked[:3])
    computed: list[Any] = []
    say = ImageTextToText._say

    def counted(self: ImageTextToText, told: Any) -> Any:
        computed.append(told)
        return say(self, told)

    monkeypatch.setattr(ImageTextToText, "_say", counted)
    assert LoadedAnswerer("another name", spec, tmp_path).answer(asked)[:3] == first
    assert computed == [prompt(one) for one in asked[3:]]
    computed.clear()
    again = LoadedAnswerer("it", section(kind=KIND, weights="qwen", tokens=7), tmp_path)
    again.answer(asked[:1])  # another revision knows nothing of it
    assert len(computed) == 1


def test_what_failed_is_tried_again(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folders / "qwen", tmp_path / "qwen")
    spec = section(kind=KIND, weights="qwen", tokens=6)
    with monkeypatch.context() as patched:
        patched.setattr(ImageTextToText, "_say", lambda *_: Refused("it said nothing"))
        assert LoadedAnswerer("it", spec, tmp_path).answer([question(ASKED)]) == [Refused("it said nothing")]
    (made,) = LoadedAnswerer("it", spec, tmp_path).answer([question(ASKED)])
    assert not isinstance(made, Refused)


def test_what_determines_an_answer_is_in_the_revision(folders: Path, tmp_path: Path) -> None:
    shutil.copytree(folders / "llava", tmp_path / "llava")
    template = tmp_path / "llava" / "chat_template.jinja"
    template.write_text(template.read_text() + " ")
    values: list[tuple[Path, dict[str, Any]]] = [
        (folders, {"weights": "llava"}),
        (folders, {"weights": "llava", "tokens": 7}),
        (folders, {"weights": "llava", "side": 8}),
        (folders, {"weights": "llava", "precision": "bf16"}),
        (folders, {"weights": "qwen"}),
        (tmp_path, {"weights": "llava"}),  # another template
    ]
    assert len({answerer(root, kind=KIND, **own).revision for root, own in values}) == len(values)
    assert (
        answerer(folders, kind=KIND, weights="llava").revision == answerer(folders, kind=KIND, weights="llava").revision
    )


def test_pickled_weights_are_never_read(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text((folders / "llava" / "config.json").read_text())
    (tmp_path / "model" / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(FieldguideError, match=r"no safetensors here; pickled weights \(\.bin, \.pt\) are never read"):
        answerer(tmp_path, kind=KIND, weights="model")


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    tiny_encoders.llava_next(tmp_path / "model")
    with pytest.raises(FieldguideError, match=r"no chat template here \(chat_template\.jinja\); take a chat model"):
        answerer(tmp_path, kind=KIND, weights="model").answer([question(ASKED)])


def test_a_missing_model_is_told_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match=r"answerers\.it\.weights: gone/config\.json: no such file"):
        answerer(tmp_path, kind=KIND, weights="gone")
    with pytest.raises(ProblemsError, match=r"answerers\.it\.weights: is empty"):
        answerer(tmp_path, kind=KIND)
