"""Section of stages `embed` and `embed_queries`."""

from __future__ import annotations

from pydantic import Field

from fieldguide.core.section import Names, Positive, Section


class Embed(Section):
    """Which encoders encode; `batch` images or texts go to one at once, in one or more forward passes."""

    encoders: Names = Field(min_length=1)
    batch: Positive = 32
