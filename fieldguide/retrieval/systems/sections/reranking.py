"""Sections of systems that order the best of another system anew."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from fieldguide.models.calls.section import ChatEndpoint
from fieldguide.retrieval.systems.sections.ranking import RankingSection

if TYPE_CHECKING:
    from fieldguide.retrieval.systems.sections.systems import System

PROMPT = (
    "Does the photograph match this query? Query: {query}\n"
    "Answer with one whole number from 0 (not at all) to {scale} (perfectly), and nothing else."
)


class RerankVlmSystem(RankingSection):
    """Has a vision-language model look at the `top` best of another system.

    Attributes:
        base: the other system's section.
        chat: the model; it has to understand images.
        query: what stands for {query} in `prompt`.
        prompt: shown with each photograph, with {query} and {scale}; the model answers with a whole number 0..scale.
        side: greatest width or height in pixels of what the model is shown.
    """

    kind: Literal["rerank-vlm"]
    base: System
    chat: ChatEndpoint
    top: Annotated[int, Field(ge=1, le=1000)] = 10
    query: Literal["question", "phrase"] = "phrase"
    prompt: str = PROMPT
    scale: Annotated[int, Field(ge=1, le=100)] = 10
    side: Annotated[int, Field(ge=16, le=4096)] = 512

    @field_validator("prompt")
    @classmethod
    def _can_be_filled(cls, value: str) -> str:
        try:
            fields = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
        except ValueError as error:
            raise ValueError(f"is no template: {error}") from None
        if "query" not in fields or fields - {"query", "scale"}:
            raise ValueError("needs {query}, may have {scale}, and nothing else in braces")
        return value

    @property
    def inner(self) -> Mapping[str, RankingSection]:
        """See `RankingSection`."""
        return {"base": self.base}

    @property
    def words(self) -> str:
        """What it does, for the report."""
        return f"the best {self.top} looked at by {self.chat.model} ({self.query}), of: {self.base.words}"
