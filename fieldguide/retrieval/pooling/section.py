"""Section of stage `pool`: which images of a subtopic are judged."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fieldguide.core.section import Names, Positive, Section, Seed


class Pool(Section):
    """Stage `pool`: top `depth` of each system, and `sample` random images of the gallery a subtopic."""

    systems: Names = Field(min_length=1)
    depth: Positive = 30
    sample: Annotated[int, Field(strict=True, ge=0)] = 20
    seed: Seed = 1
