"""Section of the stage that asks whether the collection is fit to measure with."""

from __future__ import annotations

from pydantic import Field

from fieldguide.core.section import Name, Names, Positive, Section, Seed, Share


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
    families: dict[Name, Names] = Field(default={})
    seed: Seed = 13
