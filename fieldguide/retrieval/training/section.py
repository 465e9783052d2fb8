"""Sections of what `fieldguide train` trains."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Positive, Section, Seed


class TrainGenerator(Section):
    """How `fieldguide train generator` trains."""

    split: Literal["train"] = "train"
    size: Positive = 64
    channels: Positive = 96
    steps: Positive = 3000
    batch: Positive = 32
    learning_rate: Annotated[float, Field(strict=True, gt=0)] = 5e-4
    seed: Seed = 5


class TrainTextTower(Section):
    """How `fieldguide train text-tower` trains."""

    split: Literal["train"] = "train"
    epochs: Positive = 40
    learning_rate: Annotated[float, Field(strict=True, gt=0)] = 1e-3
    seed: Seed = 5
