"""Where the rounds of a system lie that words its phrases anew, and what it ranks by in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths, RelativePath
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.sections.rounds import GenirSystem


@dataclass(frozen=True)
class RoundPaths(Paths):
    """Paths of a benchmark whose phrases are those of one round; round 0 has the benchmark's own.

    Drawings and vectors of all rounds lie together. All other files are the benchmark's own.
    """

    refined: str = ""
    round: int = 0

    refined_folder = RelativePath("data/refined/{refined}")
    """What stage `refine` wrote for one system."""
    rounds = RelativePath("data/refined/{refined}/rounds.parquet")
    """records.topics.ROUNDS."""
    phrases = RelativePath("data/refined/{refined}/phrases/{round}.jsonl")
    """Phrases of this round."""
    drawings = RelativePath("data/refined/{refined}/drawings/drawings.parquet")
    """Drawings of the phrases of all rounds."""

    def queries(self, encoder: str) -> Path:
        """Vectors of the drawings of all rounds."""
        return self.refined_folder / "queries" / encoder


@dataclass(frozen=True)
class RoundCollection(SearchCollection):
    """A collection with the phrases of one round, whose means are those of that round's drawings."""

    @cached_property
    def drawings(self) -> pd.DataFrame:
        """Drawings of this round's phrases, and of generic prompts, that exist."""
        every = super().drawings
        asked = (every["purpose"] != "topic") | every["prompt"].isin(set(self.phrases.values()))
        return every[asked]


def rounds_of(spec: GenirSystem, collection: SearchCollection) -> RoundCollection:
    """What a system ranks by after its last round.

    Raises:
        FieldguideError: nothing was refined.
    """
    paths = RoundPaths(collection.paths.root, spec.refined, spec.rounds)
    if not paths.phrases.exists():
        raise FieldguideError(f"{paths.phrases} is not there; `dvc repro refine@{spec.refined}` makes it")
    return RoundCollection(paths, collection.sources)
