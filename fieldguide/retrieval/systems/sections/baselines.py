"""Sections of systems that know nothing, and of runs that were made elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Seed
from fieldguide.retrieval.systems.sections.ranking import RankingSection


class RandomSystem(RankingSection):
    """Ranks at random: what a measure is worth without knowledge."""

    kind: Literal["random"]
    seed: Seed

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return "random order"


class ConstantSystem(RankingSection):
    """Gives every image the same score: what the rule for ties is worth."""

    kind: Literal["constant"]

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return "one score for all"


class FileOrderSystem(RankingSection):
    """Ranks images as their files lie in the sources: what their names give away."""

    kind: Literal["file-order"]

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return "order of the files"


class RunSystem(RankingSection):
    """A run that was made elsewhere: `file` in data/external/, in TREC's six columns, gzipped or not."""

    kind: Literal["run"]
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return f"run {self.file}, made elsewhere"
