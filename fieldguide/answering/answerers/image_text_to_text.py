"""Answers by vision-language models of transformers, on this machine: LLaVA-NeXT, Qwen-VL, SmolVLM and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from fieldguide.answering.answerers.registry import ANSWERERS
from fieldguide.answering.answerers.section import ImageTextToTextAnswerer
from fieldguide.answering.prompting import AnswerPrompt, prompt
from fieldguide.answering.question import Answered, Question, Shown
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import content_key
from fieldguide.models.loading import hub
from fieldguide.models.loading.compute import Compute
from fieldguide.models.loading.parallel import one_thread
from fieldguide.models.loading.protocols import Refused
from fieldguide.models.loading.torchvision import declare_operators
from fieldguide.models.networks.pretrained import CONFIG, MODULES, load_network, load_processor

KIND = "image-text-to-text"
_VERSION = 1


@ANSWERERS.register(KIND, modules=MODULES, files={"weights": (CONFIG,)})
class ImageTextToText:
    """The likeliest words, one after the other (greedy); one question at a time, so that none depends on another."""

    keeps = False

    def __init__(self, name: str, spec: ImageTextToTextAnswerer, root: Path) -> None:
        self.name, self._spec = name, spec
        self._folder = hub.folder(spec, root)
        self._compute = Compute.of(name, spec)
        files = hub.hashes(self._folder)
        if not any(file.endswith(".safetensors") for file in files):
            raise FieldguideError(f"{self._folder}: no safetensors here; pickled weights (.bin, .pt) are never read")
        settings = {"tokens": spec.tokens, "side": spec.side, **self._compute.key}
        self.revision = content_key(kind=KIND, version=_VERSION, files=files, **settings)
        self._loaded: tuple[Any, Any] | None = None

    def answer(self, questions: Sequence[Question]) -> list[Answered | Refused]:
        """See `Answerer`."""
        with one_thread():
            return [self._say(prompt(question)) for question in questions]

    def _say(self, asked: AnswerPrompt) -> Answered | Refused:
        import torch

        network, processor = self._load()
        images = [self._small(part) for part in asked.parts if isinstance(part, Shown)]
        text = processor.apply_chat_template(messages(asked), add_generation_prompt=True)
        given = {"images": images} if images else {}
        inputs = processor(text=text, return_tensors="pt", **given).to(self._compute.device, self._compute.dtype)
        length = int(inputs["input_ids"].shape[1])
        with torch.inference_mode():
            tokens = network.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=self._spec.tokens)
        words = processor.batch_decode(tokens[:, length:], skip_special_tokens=True)[0].strip()
        return Answered(words, None, length, int(tokens.shape[1]) - length) if words else Refused("it said nothing")

    def _small(self, shown: Shown) -> Image.Image:
        image = shown.image()
        image.thumbnail((self._spec.side, self._spec.side), Image.Resampling.LANCZOS)
        return image

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            declare_operators()
            from transformers import AutoModelForImageTextToText, AutoProcessor

            processor = load_processor(AutoProcessor, self._folder)
            if not getattr(processor, "chat_template", None):
                raise FieldguideError(f"{self._folder}: no chat template here (chat_template.jinja); take a chat model")
            network = load_network(AutoModelForImageTextToText, self._folder, self._compute.dtype)
            self._loaded = self._compute.place(network), processor
        return self._loaded


def messages(asked: AnswerPrompt) -> list[dict[str, Any]]:
    """A prompt as chat templates of transformers take it; images follow in their order beside it."""
    content: list[dict[str, str]] = [
        {"type": "image"} if isinstance(part, Shown) else {"type": "text", "text": part} for part in asked.parts
    ]
    return [
        {"role": "system", "content": [{"type": "text", "text": asked.system}]},
        {"role": "user", "content": content},
    ]
