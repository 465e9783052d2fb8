"""Stages `mine`, `compose` and `rewrite`: entities, questions, and phrases to search for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fieldguide.core.section import Section
from fieldguide.models.calls.section import Chat


class Rewrite(Section):
    """Stage `rewrite`. Templates may use {entity} and {part}; the feature's value is not to be had.

    `expansions`: templates of other wordings of each phrase, for systems that search for several at once; one with
    {part} is not used for topics that ask for the whole thing.
    """

    rewriter: Literal["template", "chat"] = "template"
    template: str = "a photo of {entity}, showing the {part}"
    expansions: list[str] = Field(default=[])
    chat: Chat | None = None


class Recompose(Section):
    """Stage `recompose`: each drawing's caption with its subtopic's text, as one description to search for.

    The template may use {caption}, {phrase} and {question}.
    """

    recomposer: Literal["template", "chat"] = "template"
    template: str = "{phrase}, {caption}"
    chat: Chat | None = None


class Decompose(Section):
    """Stage `decompose`: one query an entity and one a part; the templates may use {entity} and {part}."""

    entity: str = "a photo of {entity}"
    part: str = "a close-up of the {part}"
