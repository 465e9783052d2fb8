"""Sections of systems whose query is composed of a drawing and a text, without training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Share
from fieldguide.retrieval.systems.sections.ranking import Constant, DrawingSection, Fusion, counted, describe_fusion

Scale = Annotated[float, Field(strict=True, ge=-10, le=10)]


class _Fused(DrawingSection):
    """How the rankings by single drawings are fused."""

    fusion: Fusion = "mean"
    c: Constant = 1.0

    def _describe(self, how: str) -> str:
        return f"{how}, {describe_fusion(self.fusion, self.c)}{self.domains}"


class WeimocirSystem(_Fused):
    """Drawing and text as one query, against photographs and their captions (WeiMoCIR, arXiv 2409.04918).

    `alpha` is the text's weight in the query, `beta` the captions' in the score.
    """

    kind: Literal["weimocir"]
    query: Literal["question", "phrase"] = "phrase"
    alpha: Share = 0.5
    beta: Share = 0.1

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return self._describe(f"{counted(self.images)} and text of the {self.query} as one query (WeiMoCIR)")


class PdvSystem(_Fused):
    """Drawing and text moved along the direction of the prompt (PDV, arXiv 2502.07215).

    `alpha_image` and `alpha_text` say how far the drawing's and its caption's vector are moved, `beta` is the weight
    of the text in the query.
    """

    kind: Literal["pdv"]
    alpha_image: Scale = 1.0
    alpha_text: Scale = 1.0
    beta: Share = 0.5

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return self._describe(f"{counted(self.images)} moved along the prompt's direction (PDV)")


class ParacosmSystem(_Fused):
    """Drawings against photographs and their twins, which are drawn from captions (Paracosm, arXiv 2602.00813).

    `weight` is that of the drawing and its caption in the query; `query` says which text has the rest. `none`: the
    drawing is all of the query, and an encoder of images will do.
    """

    kind: Literal["paracosm"]
    query: Literal["question", "phrase", "none"] = "phrase"
    weight: Share = 0.3
    centre: Literal["none"] = "none"  # twins bring the domains together here

    @property
    def twins(self) -> bool:
        """See `RankingSection`."""
        return True

    @property
    def description(self) -> str:
        """What it does, for the report."""
        text = "" if self.query == "none" else f" and text of the {self.query} as one query"
        return self._describe(f"{counted(self.images)}{text}, photographs with their twins (Paracosm)")


class CirevlSystem(_Fused):
    """The drawing's caption, recomposed with the text, against photographs (CIReVL, arXiv 2310.09291)."""

    kind: Literal["cirevl"]
    centre: Literal["none"] = "none"  # texts and photographs are compared, no drawings

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return self._describe(f"captions of {counted(self.images)}, recomposed (CIReVL)")
