"""Section of stage `mine`: when entities count as easily confused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from fieldguide.core.section import Name, Section, Share


class MineWeights(Section):
    """Weights of the three similarities in a group's score; they are normalised to sum to one."""

    taxonomic: Share = 0.4
    lexical: Share = 0.2
    visual: Share = 0.4


class Mine(Section):
    """Stage `mine`."""

    encoder: Name
    max_entities: Annotated[int, Field(strict=True, ge=2, le=8)] = 3
    weights: MineWeights = MineWeights()
    min_score: Share = 0.45
    wordnet: Path | None = None
