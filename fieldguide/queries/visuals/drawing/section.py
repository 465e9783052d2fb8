"""Section of stage `visualize`: what is drawn, how often and by whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fieldguide.core.section import Name, Positive, Section, Seed


class Visualize(Section):
    """Stage `visualize`: `images` drawings of each phrase and of each generic prompt.

    `generator`: null where nothing is to be drawn; systems that look at drawings are then left out.
    `style` says what to draw them as: `a pencil sketch of ...`; null: as the phrase has it.
    """

    generator: Name | None = None
    images: Positive = 3
    seed: Seed = 1
    style: Literal["photograph", "sketch", "painting"] | None = None
    generic_prompts: list[str] = Field(default=[])
    batch: Positive = 8

    @property
    def drawn(self) -> int:
        """How many drawings each phrase has."""
        return self.images if self.generator is not None else 0
