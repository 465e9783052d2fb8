"""Sections of stage `caption`: who captions images, and how captions of drawings are recomposed."""

from __future__ import annotations

from typing import Literal

from fieldguide.core.section import Name, Positive, Section
from fieldguide.models.calls.section import ChatEndpoint


class Caption(Section):
    """Stage `caption`: the gallery and the topics' drawings in words; nothing where `captioner` is null.

    `twins`: each photograph's caption is drawn, too, by `visualize.generator`. Systems of kind `paracosm` need that.
    """

    captioner: Name | None = None
    batch: Positive = 16
    twins: bool = False


class Recompose(Section):
    """Stage `recompose`: each drawing's caption with its subtopic's text, as one description to search for.

    The template may use {caption}, {phrase} and {question}.
    """

    recomposer: Literal["template", "chat"] = "template"
    template: str = "{phrase}, {caption}"
    chat: ChatEndpoint | None = None
