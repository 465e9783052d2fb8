"""Stage `ingest`: where images come from, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from pydantic import Field, model_validator

from fieldguide.core.section import Positive, Section
from fieldguide.corpus.sources.section import ImageSource


class Ingest(Section):
    """Stage `ingest`."""

    sources: list[ImageSource] = Field(min_length=1)
    shards: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 8
    max_pixels: Positive = 64_000_000
    near_duplicate_bits: Annotated[int, Field(strict=True, ge=0, le=16)] = 4

    @model_validator(mode="after")
    def _sources_have_names_of_their_own(self) -> Ingest:
        for what, found in (("name", [s.name for s in self.sources]), ("path", [str(s.path) for s in self.sources])):
            twice = [value for value, count in Counter(found).items() if count > 1]
            if twice:
                raise ValueError(f"two sources have the {what} {', '.join(map(repr, twice))}")
        return self
