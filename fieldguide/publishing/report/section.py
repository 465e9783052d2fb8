"""Section of the stage that writes the report."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fieldguide.core.section import Positive, Section


class Report(Section):
    """Stage `report`: `top` images a system and topic, thumbnails of at most `thumbnail` pixels.

    `remarks` are what a reader should know and the data do not say: sentences by heading.
    """

    title: str
    top: Positive = 6
    thumbnail: Annotated[int, Field(strict=True, ge=16, le=512)] = 192
    remarks: dict[str, str] = Field(default={})
