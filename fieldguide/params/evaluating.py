"""Stages from `check` to `release`: what is measured, and what is told of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from fieldguide.params.base import Draws, Name, Positive, Section, Seed, Share


class Check(Section):
    """Stage `check`."""

    min_relevant: Annotated[int, Field(ge=0)] = 3
    max_answer_share: Share = 0.7
    unlicensed_sources: list[Name] = Field(default=[])


class Evaluate(Section):
    """Stage `evaluate`. Measures are written the way ir-measures writes them.

    Attributes:
        headline: the measure that systems are ordered by.
        baseline: the system that every other one is compared with, by every measure.
        compare: measures by which every pair of systems is compared and tie groups are made; the headline where empty.
        confidence: of intervals.
        bootstrap, permutations: how many resamples and sign patterns are drawn.
        alpha: systems differ where q, the p-value corrected for all pairs, is at most this.
        power: wanted when the number of topics is asked for.
    """

    measures: list[str] = Field(min_length=1)
    headline: str
    baseline: Name
    compare: list[str] = Field(default=[])
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    bootstrap: Draws = 10_000
    permutations: Draws = 10_000
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8
    seed: Seed

    @property
    def compared(self) -> list[str]:
        """Measures by which every pair of systems is compared, the headline first."""
        return list(dict.fromkeys([self.headline, *self.compare]))

    @model_validator(mode="after")
    def _named_are_measured(self) -> Evaluate:
        for key, names in (("headline", [self.headline]), ("compare", self.compare)):
            for name in names:
                if name not in self.measures:
                    raise ValueError(f"{key} {name!r} is not among measures: {', '.join(self.measures)}")
        return self


class Fitness(Section):
    """Stage `fitness`: is the collection fit to measure with?

    Attributes:
        measure: what everything is asked about; evaluate.headline where it is null.
        draws: of random orders, and of other assessors' answers.
        disagreement: share of judgments on which two assessors differ, where nobody measured it (agreement.json).
            The default is the mean share of wrong labels in ten test sets of Northcutt, Athalye and Mueller,
            Pervasive label errors in test sets, NeurIPS Datasets and Benchmarks 2021.
        families: systems that are left out of the pools together; those of one kind where it is empty.
    """

    measure: str | None = None
    draws: Positive = 1000
    disagreement: Share = 0.033
    families: dict[Name, list[Name]] = Field(default={})
    seed: Seed = 13


class Report(Section):
    """Stage `report`: `top` images a system and topic, thumbnails of `thumbnail` pixels."""

    title: str
    top: Positive = 6
    thumbnail: Annotated[int, Field(ge=16, le=512)] = 96


class Release(Section):
    """Stage `release`."""

    name: Name
    version: str
    licence: str
    description: str
