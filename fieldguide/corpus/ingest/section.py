"""Stage `ingest`: where images come from, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fieldguide.core.section import Name, Positive, Section, Share


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
    """Where images come from. A `folder` or `tar` takes the entity from the folder an image lies in.

    Attributes:
        entities: entity by the source's label; empty: the label as a slug; None: they show no entity (distractors).
        split: of photographs that have none of their own.
        train_share: share of those that are of the train split instead, each chosen by its key alone, so that one more
            moves no other.
    """

    name: Name
    kind: Literal["folder", "tar", "parquet", "manifest"]
    path: Path
    columns: SourceColumns = SourceColumns()
    entities: dict[str, Name] | None = Field(default={})
    splits: dict[str, Literal["train", "gallery"]] = Field(default={})
    split: Literal["train", "gallery"] = "gallery"
    train_share: Share = 0.0
    licence: str | None = None
    attribution: str | None = None


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
