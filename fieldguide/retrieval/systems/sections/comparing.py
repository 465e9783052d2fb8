"""Sections of systems that compare a text, a caption or drawings with photographs."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from fieldguide.core.section import Name
from fieldguide.retrieval.systems.sections.ranking import (
    Constant,
    DrawingSection,
    Fusion,
    RankingSection,
    counted,
    describe_fusion,
)

_SPACE_OF_TEXTS = {"question": "question", "phrase": "phrase", "expansion": "phrase and its expansions"}


class TextSystem(RankingSection):
    """Ranks by similarity of a text and the images in one encoder's text-to-image space.

    `expansion`: of the phrase and of the other wordings that `rewrite.expansions` asks for, fused.
    """

    kind: Literal["text"]
    encoder: Name
    query: Literal["question", "phrase", "expansion"]
    fusion: Fusion = "mean"
    c: Constant = 1.0

    @property
    def description(self) -> str:
        """What it does, for the report."""
        fused = f", {describe_fusion(self.fusion, self.c)}" if self.query == "expansion" else ""
        return f"text of the {_SPACE_OF_TEXTS[self.query]}{fused}, encoder {self.encoder}"


class CaptionSystem(RankingSection):
    """Ranks by similarity of a text and the images' captions in one encoder's space of texts."""

    kind: Literal["caption"]
    encoder: Name
    query: Literal["question", "phrase"]

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return f"text of the {self.query} with captions, encoder {self.encoder}"


class VisretSystem(DrawingSection):
    """Ranks by similarity of drawings and photographs (VisRet, arXiv 2505.20291).

    `preset: paper` is the paper's setting: three drawings, reciprocal rank fusion with c = 1, nothing centred.
    """

    kind: Literal["visret"]
    preset: Literal["paper"] | None = None
    fusion: Fusion = "rrf"
    c: Constant = 1.0

    @model_validator(mode="after")
    def _preset_holds(self) -> VisretSystem:
        fixed = {"images": 3, "fusion": "rrf", "c": 1.0, "centre": "none"}
        other = [key for key, value in fixed.items() if self.preset and getattr(self, key) != value]
        if other:
            raise ValueError(f"preset paper has {', '.join(f'{k}: {fixed[k]}' for k in other)}; leave the preset out")
        return self

    @property
    def description(self) -> str:
        """What it does, for the report."""
        preset = " (the VisRet paper's setting)" if self.preset else ""
        return f"{counted(self.images)}, {describe_fusion(self.fusion, self.c)}{self.domains}{preset}"
