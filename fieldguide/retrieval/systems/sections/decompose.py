"""Section of the system that asks for entity and part separately."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Name
from fieldguide.retrieval.systems.sections.ranking import RankingSection

_RULES = {
    "product": "product",
    "minimum": "minimum",
    "logic": "and, not the question's other entities",
}


class DecomposeSystem(RankingSection):
    """Scores images by each part of the question, and combines the scores (NDCR, arXiv 2305.02265).

    `prior` is the share of the gallery that is expected to show what one part asks for.
    """

    kind: Literal["decompose"]
    encoder: Name
    combine: Literal["product", "minimum", "logic"] = "logic"
    prior: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.05

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return f"entity and part asked apart, combined by {_RULES[self.combine]}, encoder {self.encoder}"
