"""Stages `mine`, `compose` and `rewrite`: entities, questions, and phrases to search for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fieldguide.params.base import Name, Positive, Section, Seed, Share
from fieldguide.params.calls import Chat


class MineWeights(Section):
    """Weights of the three similarities in a group's score; they are normalised to sum to one."""

    taxonomic: Share = 0.4
    lexical: Share = 0.2
    visual: Share = 0.4


class Mine(Section):
    """Stage `mine`."""

    encoder: Name
    max_entities: Annotated[int, Field(ge=2, le=8)] = 3
    weights: MineWeights = MineWeights()
    min_score: Share = 0.45
    wordnet: Path | None = None


class Compose(Section):
    """Stage `compose`."""

    composer: Literal["template", "chat"] = "template"
    forms: list[Literal["which", "both", "truth", "which-not"]] = Field(min_length=1)
    max_topics: Positive = 60
    per_group: Positive = 4
    seed: Seed
    chat: Chat | None = None


class Rewrite(Section):
    """Stage `rewrite`. Templates may use {entity} and {part}; the feature's value is not to be had.

    `expansions`: templates of other wordings of each phrase, for systems that search for several at once; one with
    {part} is not used for topics that ask for the whole thing.
    """

    rewriter: Literal["template", "chat"] = "template"
    template: str = "a photo of {entity}, showing the {part}"
    expansions: list[str] = Field(default=[])
    chat: Chat | None = None
