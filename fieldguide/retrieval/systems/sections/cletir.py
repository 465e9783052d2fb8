"""Section of the system CLETIR; that of its training is in fieldguide/retrieval/cletir/section.py."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from fieldguide.core.section import Name, Share
from fieldguide.retrieval.systems.sections.ranking import DrawingSection, counted


class CletirSystem(DrawingSection):
    """Drawings as one query vector, fused with the text's similarity (CLETIR, arXiv 2509.00177).

    Attributes:
        text_encoder: the space in which the text is compared with photographs; drawings are in `encoder`'s.
        aggregation: `learnt`: the aggregation network; `average`: the mean of the drawings, its untrained form.
        weight: of the image space; `learnt`: sigma(p); a number: its untrained form.
        network: the system whose training (stage `train_cletir`) the learnt parts are from: itself, or the one that it
            is an ablation of.
    """

    kind: Literal["cletir"]
    text_encoder: Name
    query: Literal["question", "phrase"] = "phrase"
    aggregation: Literal["learnt", "average"] = "learnt"
    weight: Literal["learnt"] | Share = "learnt"
    network: Name | None = None

    @model_validator(mode="after")
    def _network_is_used(self) -> CletirSystem:
        if not self.learns and self.network is not None:
            raise ValueError("network has a meaning only where aggregation or weight is learnt")
        if self.learns and self.network is None:
            raise ValueError("aggregation or weight is learnt: network must name a system of train_cletir.systems")
        return self

    @property
    def learns(self) -> bool:
        """Whether any part of it is trained."""
        return "learnt" in (self.aggregation, self.weight)

    @property
    def description(self) -> str:
        """What it does, for the report."""
        how = "aggregation network over" if self.aggregation == "learnt" else "average of"
        weight = "learnt weight" if self.weight == "learnt" else f"weight {self.weight:g}"
        seen = ", trained on other entities" if self.learns else ", untrained"
        return f"{how} {counted(self.images)} and text of the {self.query}, {weight} (CLETIR{seen}){self.domains}"
