"""Sections of answerers: one class a kind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from fieldguide.core.plugins import by_kind, offered_kind, tag_by_kind
from fieldguide.core.section import Name, Positive, Section
from fieldguide.models.calls.section import ChatEndpoint

GROUP = "fieldguide.answerers"
"""Entry points by which other packages offer kinds of answerers."""


class PriorAnswerer(Section):
    """The most frequent right answer of each form, whatever is shown: a control.

    It knows the reference answers, so that no answerer that ignores the images can do better by habit alone.
    """

    kind: Literal["prior"]


class FeaturesAnswerer(Section):
    """Reads the feature that is asked for off the images, by a probe of an encoder's vectors.

    The probe of a question is trained on the train split's photographs of all entities but those that the question
    names, so that it has met none of them. It does not read: which feature and value are asked for it is told.

    Attributes:
        encoder: of images, one of embed.encoders.
        strength: the inverse of the regularisation of the logistic regression.
    """

    kind: Literal["features"]
    encoder: Name
    strength: Annotated[float, Field(strict=True, gt=0, le=1e6)] = 10.0


class ChatAnswerer(Section):
    """A chat model that sees images.

    Attributes:
        chat: which; for the preset `paper` max_tokens is 1000 and neither temperature nor seed are sent.
        side: greatest width or height in pixels of what it is shown.
        structured: ask for a JSON object with `reasoning` and `answer`, where the endpoint can be held to one.
    """

    kind: Literal["chat"]
    chat: ChatEndpoint
    side: Annotated[int, Field(strict=True, ge=64, le=4096)] = 768
    structured: bool = False


class ImageTextToTextAnswerer(Section):
    """A vision-language model of transformers with a chat template: LLaVA-NeXT, Qwen-VL, SmolVLM; read greedily.

    Attributes:
        weights: its folder, with safetensors.
        hub, hub_revision: its repository on the hub, instead of a folder.
        tokens: an answer's greatest length.
        side: greatest width or height in pixels of what it is shown.
    """

    kind: Literal["image-text-to-text"]
    weights: Path | None = None
    hub: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    hub_revision: Annotated[str, Field(pattern=r"^[\w./-]+$")] | None = None
    tokens: Annotated[int, Field(strict=True, ge=1, le=4096)] = 512
    side: Positive = 768
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "cpu"
    batch: Literal[1] = 1


class PluginAnswerer(Section):
    """An answerer of a kind that another package offers; that package says which keys it has."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str

    _kind_is_offered = offered_kind(GROUP, lambda: BUILTIN)


BUILTIN: dict[str, type[Section]] = by_kind(PriorAnswerer, FeaturesAnswerer, ChatAnswerer, ImageTextToTextAnswerer)


AnyAnswerer = Annotated[
    Annotated[PriorAnswerer, Tag("prior")]
    | Annotated[FeaturesAnswerer, Tag("features")]
    | Annotated[ChatAnswerer, Tag("chat")]
    | Annotated[ImageTextToTextAnswerer, Tag("image-text-to-text")]
    | Annotated[PluginAnswerer, Tag("plugin")],
    Discriminator(tag_by_kind(BUILTIN)),
]
