"""Captions by a chat model that sees images, each asked for once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from fieldguide.core.files import content_key
from fieldguide.models.calls.caller import open_caller
from fieldguide.models.calls.chat import Chat, Prompt, Reply
from fieldguide.models.calls.pictures import small_png
from fieldguide.models.captioners.base import one_line
from fieldguide.models.captioners.registry import CAPTIONERS
from fieldguide.models.captioners.section import ChatCaptioner
from fieldguide.models.loading.protocols import Refused

KIND = "chat"
SYSTEM = "You describe images for a search engine, plainly and without guessing."
_VERSION = 1


@CAPTIONERS.register(KIND, modules=("openai",), files={})
class ChatModel:
    """What a chat model answers when it is shown the image; its refusals are kept as they are."""

    def __init__(self, name: str, spec: ChatCaptioner, root: Path) -> None:
        self.name, self._spec = name, spec
        self._chat = Chat(spec.chat, open_caller(root))
        asked = {"question": spec.question, "side": spec.side, "system": SYSTEM}
        determining = spec.chat.model_dump(include={"base_url", "model", "temperature", "seed", "max_tokens"})
        self.revision = content_key(kind=KIND, version=_VERSION, **asked, **determining)

    def caption(self, images: Sequence[Image.Image]) -> list[str | Refused]:
        """See `Captioner`."""
        prompts = [
            Prompt(SYSTEM, self._spec.question, (small_png(image, self._spec.side, Image.Resampling.BICUBIC),))
            for image in images
        ]
        replies = self._chat.ask_all(prompts)
        return [one_line(reply.text) if isinstance(reply, Reply) else reply for reply in replies]
