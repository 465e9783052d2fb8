"""Stages that encode, draw, search and pool."""

from __future__ import annotations

from pydantic import Field, model_validator

from fieldguide.core.section import Names, Positive, Section
from fieldguide.retrieval.index.section import AnyIndex


class Retrieve(Section):
    """Stages `retrieve` and `rerank`: systems to run, and how many images a full run keeps.

    `index`: through which a whole gallery is searched by systems that compare vectors; exactly where it is null.
    """

    systems: Names = Field(min_length=1)
    depth: Positive = 100
    index: AnyIndex | None = None

    @model_validator(mode="after")
    def _shortlists_reach(self) -> Retrieve:
        if self.index is not None and self.index.shortlist < self.depth:
            raise ValueError(f"index.shortlist is {self.index.shortlist}; at least `depth`, {self.depth}, is needed")
        return self
