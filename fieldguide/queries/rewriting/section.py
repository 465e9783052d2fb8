"""Sections of stage `phrase`: how a subtopic is rewritten, and how it is taken apart."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fieldguide.core.section import Section
from fieldguide.models.calls.section import ChatEndpoint


class Rewrite(Section):
    """Stage `rewrite`. Templates may use {entity} and {part}; the feature's value is never given to them.

    `expansions`: templates of other wordings of each phrase, for systems that search for several at once; one with
    {part} is not used for topics that ask for the whole thing.
    """

    rewriter: Literal["template", "chat"] = "template"
    template: str = "a photo of {entity}, showing the {part}"
    expansions: list[str] = Field(default=[])
    chat: ChatEndpoint | None = None


class Decompose(Section):
    """Stage `decompose`: one query an entity and one a part; the templates may use {entity} and {part}."""

    entity: str = "a photo of {entity}"
    part: str = "a close-up of the {part}"
