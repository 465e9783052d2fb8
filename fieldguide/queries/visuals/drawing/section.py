"""Section of stage `visualize`: what is drawn, how often and by whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fieldguide.core.section import Name, Positive, Section, Seed


class Visualize(Section):
    """Stage `visualize`: `images` drawings of each phrase and of each generic prompt.

    `style` says what to draw them as: `a pencil sketch of ...`; null: as the phrase has it.
    """

    generator: Name
    images: Positive = 3
    seed: Seed
    style: Literal["photograph", "sketch", "painting"] | None = None
    generic_prompts: list[str] = Field(default=[])
    batch: Positive = 8
