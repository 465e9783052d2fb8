"""Stage `ingest`: where images come from, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Name, Positive, Section


class SourceColumns(Section):
    """Names of the columns of a table of images."""

    bytes: str | None = None
    path: str | None = None
    key: str | None = None
    entity: str | None = None
    split: str | None = None
    licence: str | None = None
    attribution: str | None = None


class ImageSource(Section):
    """Where images come from. A `folder` or `tar` takes the entity from the folder an image lies in."""

    name: Name
    kind: Literal["folder", "tar", "parquet", "manifest"]
    path: Path
    columns: SourceColumns = SourceColumns()
    entities: dict[str, Name] = Field(default={})
    splits: dict[str, Literal["train", "gallery"]] = Field(default={})
    split: Literal["train", "gallery"] = "gallery"
    licence: str | None = None
    attribution: str | None = None


class Ingest(Section):
    """Stage `ingest`."""

    sources: list[ImageSource] = Field(min_length=1)
    shards: Positive = 8
    max_pixels: Positive = 64_000_000
    near_duplicate_bits: Annotated[int, Field(ge=0, le=16)] = 4
