"""A source of photographs in params.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from fieldguide.core.section import Name, Section, Share


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
