"""Section of the stage that scores systems and compares them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from fieldguide.core.section import Draws, Name, Section, Seed


class Evaluate(Section):
    """Stage `evaluate`. Measures are written the way ir-measures writes them.

    Attributes:
        headline: the measure that systems are ordered by.
        baseline: the system that every other one is compared with, by every measure.
        compare: measures by which every pair of systems is compared and tie groups are made; the headline where empty.
        confidence: of intervals.
        permutations: how many sign patterns are drawn; of up to 20 topics every pattern is gone through.
        alpha: systems differ where q, the p-value corrected for all pairs, is at most this.
        power: wanted when the number of topics is asked for.
    """

    measures: list[str] = Field(min_length=1, default=["nDCG@1", "nDCG@10", "P@10", "R@10", "AP", "RR"])
    headline: str = "nDCG@10"
    baseline: Name
    compare: list[str] = Field(default=[])
    confidence: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.95
    permutations: Draws = 10_000
    alpha: Annotated[float, Field(strict=True, gt=0, lt=0.5)] = 0.05
    power: Annotated[float, Field(strict=True, ge=0.5, lt=1)] = 0.8
    seed: Seed = 1

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
