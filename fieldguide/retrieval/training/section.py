"""Sections of the stages that train the example's own networks; each runs only when told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Positive, Section, Seed


class TrainGenerator(Section):
    """Stage `train_generator`, which runs only when told."""

    split: Literal["train"] = "train"
    size: Positive = 64
    channels: Positive = 96
    steps: Positive = 3000
    batch: Positive = 32
    learning_rate: Annotated[float, Field(strict=True, gt=0)] = 5e-4
    seed: Seed


class TrainTextTower(Section):
    """Stage `train_text_tower`, which runs only when told."""

    split: Literal["train"] = "train"
    epochs: Positive = 40
    learning_rate: Annotated[float, Field(strict=True, gt=0)] = 1e-3
    seed: Seed
