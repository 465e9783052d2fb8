"""Section of the stage that checks the tables."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fieldguide.core.section import Names, Section, Share


class Check(Section):
    """Stage `check`."""

    min_relevant: Annotated[int, Field(strict=True, ge=0)] = 3
    max_answer_share: Share = 0.7
    unlicensed_sources: Names = Field(default=[])
