"""Sections of captioners: one class a kind. What captions is in fieldguide/models/captioners/."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from fieldguide.core.plugins import by_kind, offered_kind, tag_by_kind
from fieldguide.core.section import Section
from fieldguide.models.calls.section import ChatEndpoint

GROUP = "fieldguide.captioners"
"""Entry points by which other packages offer kinds of captioners."""


QUESTION = "Describe this image in one sentence of at most 30 words. Reply with the sentence alone."


class ClassesCaptioner(Section):
    """The example's captioner: the names of the `top` likeliest ImageNet classes, by MobileNetV2's `weights`."""

    kind: Literal["classes"]
    weights: Path
    top: Annotated[int, Field(strict=True, ge=1, le=10)] = 3


class ImageToTextCaptioner(Section):
    """A captioning model of transformers (BLIP, BLIP-2, GIT, ...), read greedily, one image at a time.

    Attributes:
        weights: its folder, with safetensors.
        hub, hub_revision: its repository on the hub, instead of a folder.
        tokens: a caption's greatest length.
    """

    kind: Literal["image-to-text"]
    weights: Path | None = None
    hub: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    hub_revision: Annotated[str, Field(pattern=r"^[\w./-]+$")] | None = None
    tokens: Annotated[int, Field(strict=True, ge=1, le=512)] = 40
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "cpu"
    batch: Literal[1] = 1


class ChatCaptioner(Section):
    """A chat model that sees images: `chat` says which, `question` what it is asked; at most `side` pixels wide."""

    kind: Literal["chat"]
    chat: ChatEndpoint
    question: str = QUESTION
    side: Annotated[int, Field(strict=True, ge=64, le=4096)] = 768


class PluginCaptioner(Section):
    """A captioner of a kind that another package offers; that package says which keys it has."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str

    _kind_is_offered = offered_kind(GROUP, lambda: BUILTIN)


BUILTIN: dict[str, type[Section]] = by_kind(ClassesCaptioner, ImageToTextCaptioner, ChatCaptioner)


AnyCaptioner = Annotated[
    Annotated[ClassesCaptioner, Tag("classes")]
    | Annotated[ImageToTextCaptioner, Tag("image-to-text")]
    | Annotated[ChatCaptioner, Tag("chat")]
    | Annotated[PluginCaptioner, Tag("plugin")],
    Discriminator(tag_by_kind(BUILTIN)),
]
