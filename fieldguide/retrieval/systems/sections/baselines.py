"""Sections of baselines that use nothing of what images show, and of runs that were made elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.section import Seed
from fieldguide.retrieval.systems.sections.ranking import RankingSection

KNOW_NOTHING = frozenset({"random", "constant", "file-order"})
"""Kinds that use nothing of what is asked: what they find first is not worth judging."""


class RandomSystem(RankingSection):
    """Ranks at random: the value of a measure by chance."""

    kind: Literal["random"]
    seed: Seed = 1

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return "random order"


class ConstantSystem(RankingSection):
    """Gives every image the same score, so that the rule for ties alone orders them."""

    kind: Literal["constant"]

    @property
    def description(self) -> str:
        """What it does, for the report."""
        return "one score for all"


class FileOrderSystem(RankingSection):
    """Ranks images in the order of their files. If it beats chance, file names give answers away."""

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
