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
from fieldguide.models.networks.image_text import ImageTextNetwork
from fieldguide.models.networks.pretrained import CONFIG, MODULES

KIND = "image-text-to-text"
_VERSION = 1


@ANSWERERS.register(KIND, modules=MODULES, files={"weights": (CONFIG,)})
class ImageTextToText:
    """The likeliest words, one after the other (greedy); one question at a time, so that none depends on another."""

    keeps = False

    def __init__(self, name: str, spec: ImageTextToTextAnswerer, root: Path) -> None:
        self.name, self._spec = name, spec
        compute = Compute.of(name, spec)
        self._network = ImageTextNetwork(hub.folder(spec, root), compute)
        settings = {"tokens": spec.tokens, "side": spec.side, **compute.key}
        self.revision = content_key(kind=KIND, version=_VERSION, files=self._network.files, **settings)

    def answer(self, questions: Sequence[Question]) -> list[Answered | Refused]:
        """See `Answerer`."""
        with one_thread():
            return [self._say(prompt(question)) for question in questions]

    def _say(self, asked: AnswerPrompt) -> Answered | Refused:
        processor = self._network.processor
        if not getattr(processor, "chat_template", None):
            folder = self._network.folder
            raise FieldguideError(f"{folder}: no chat template here (chat_template.jinja); take a chat model")
        images = [self._small(part) for part in asked.parts if isinstance(part, Shown)]
        text = processor.apply_chat_template(messages(asked), add_generation_prompt=True)
        given = {"images": images} if images else {}
        tokens, length = self._network.tokens(self._spec.tokens, text=text, **given)
        words = processor.batch_decode(tokens[:, length:], skip_special_tokens=True)[0].strip()
        return Answered(words, None, length, int(tokens.shape[1]) - length) if words else Refused("it said nothing")

    def _small(self, shown: Shown) -> Image.Image:
        image = shown.image()
        image.thumbnail((self._spec.side, self._spec.side), Image.Resampling.LANCZOS)
        return image


def messages(asked: AnswerPrompt) -> list[dict[str, Any]]:
    """A prompt as chat templates of transformers take it; images follow in their order beside it."""
    content: list[dict[str, str]] = [
        {"type": "image"} if isinstance(part, Shown) else {"type": "text", "text": part} for part in asked.parts
    ]
    return [
        {"role": "system", "content": [{"type": "text", "text": asked.system}]},
        {"role": "user", "content": content},
    ]
