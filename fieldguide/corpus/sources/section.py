"""A source of photographs in params.yaml."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from fieldguide.core.section import Name, Section, Share

SourceKind = Literal["folder", "tar", "webdataset", "parquet", "manifest", "coco", "inaturalist"]
OF_TARS: tuple[SourceKind, ...] = ("tar", "webdataset")
"""Kinds whose path may mean many files."""


def is_pattern(path: Path | str) -> bool:
    """Whether a path has characters that stand for several names."""
    return re.search(r"[*?\[{]", str(path)) is not None


class SourceColumns(Section):
    """Names of the columns of a table of images.

    Of a `webdataset` they are keys of a sample's .json, or with a dot before them members of the sample (`.cls`); of
    a `coco` keys of its images, and `entity` one of its categories; of an `inaturalist` a column of its taxa.
    """

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
        path: a file or a folder; of tars also a folder that they lie in, or a pattern (`shards/{000..099}.tar`).
        grades: of an `inaturalist` the quality grades of observations whose photographs are read.
        entities: entity by the source's label; empty: the label as a slug; None: they show no entity (distractors).
        split: of photographs that have none of their own.
        train_share: share of those that are of the train split instead, each chosen by its key alone, so that one more
            moves no other.
    """

    name: Name
    kind: SourceKind
    path: Path
    columns: SourceColumns = SourceColumns()
    grades: list[Literal["research", "needs_id", "casual"]] = Field(default=["research"], min_length=1)
    entities: dict[str, Name] | None = Field(default={})
    splits: dict[str, Literal["train", "gallery"]] = Field(default={})
    split: Literal["train", "gallery"] = "gallery"
    train_share: Share = 0.0
    licence: str | None = None
    attribution: str | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> ImageSource:
        if self.kind in OF_TARS and is_pattern(self.path) and (self.place == Path() or ".." in self.path.parts):
            raise ValueError("path: a pattern of tars begins with the folder that they lie in, without `..`")
        if self.kind == "webdataset" and self.columns.path is not None:
            raise ValueError("columns.path: a webdataset has none; columns.bytes names the photograph, as `.jpg`")
        if self.kind == "webdataset" and not (self.columns.bytes or ".").startswith("."):
            raise ValueError("columns.bytes: of a webdataset, names the photograph by its extension, as `.jpg`")
        if self.kind == "coco" and self.columns.bytes is not None:
            raise ValueError("columns.bytes: a coco has none; columns.path names the photograph, if not `file_name`")
        if self.kind == "inaturalist" and any(self.columns.model_dump(exclude={"entity"}).values()):
            raise ValueError("columns: an inaturalist has `entity` alone, a column of taxa.csv")
        if self.kind != "inaturalist" and self.grades != ["research"]:
            raise ValueError("grades: observations of an inaturalist have them, and no other kind")
        return self

    @property
    def place(self) -> Path:
        """The file or folder in which all of it lies: what DVC has to watch."""
        if self.kind in ("manifest", "coco"):
            return self.path.parent
        if self.kind in OF_TARS:
            return Path(*itertools.takewhile(lambda part: not is_pattern(part), self.path.parts))
        return self.path
