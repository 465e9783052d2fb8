"""Section of stage `compose`: which questions are put, and by whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fieldguide.core.section import Positive, Section, Seed
from fieldguide.models.calls.section import ChatEndpoint


class Compose(Section):
    """Stage `compose`."""

    composer: Literal["template", "chat"] = "template"
    forms: list[Literal["which", "both", "truth", "which-not"]] = Field(
        min_length=1, default=["which", "both", "truth", "which-not"]
    )
    max_topics: Positive = 60
    per_group: Positive = 4
    seed: Seed = 1
    chat: ChatEndpoint | None = None
