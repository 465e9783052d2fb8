"""Stages that encode, draw, search and pool."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fieldguide.params.base import Name, Positive, Section, Seed
from fieldguide.params.search import Index


class Embed(Section):
    """Stages `embed` and `embed_queries`.

    Attributes:
        batch: images or texts that go to an encoder at once, in one or more forward passes.
        workers: processes that encode; on a machine with several GPUs, one for each.
        cluster: address of a Dask scheduler (dask://HOST:PORT) or a Ray cluster (ray://HOST:PORT) that encodes instead.
            Its workers see the repository at the same path. Both run what they are sent: trust all that can reach them.
    """

    encoders: list[Name] = Field(min_length=1)
    batch: Positive = 32
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    cluster: Annotated[str, Field(pattern=r"^(dask|ray)://[\w.-]+:[0-9]{1,5}$")] | None = None


class Visualize(Section):
    """Stage `visualize`: `images` drawings of each phrase and of each generic prompt.

    `style` says what to draw them as: `a pencil sketch of ...`; null: as the phrase has it.
    """

    generator: Name
    images: Positive = 3
    seed: Seed
    style: Literal["photograph", "sketch", "painting"] | None = None
    generic_prompts: list[str] = Field(default=[])
    batch: Positive = 8


class Retrieve(Section):
    """Stages `retrieve` and `rerank`: systems to run, and how many images a full run keeps.

    `index`: through which a whole gallery is searched by systems that compare vectors; exactly where it is null.
    """

    systems: list[Name] = Field(min_length=1)
    depth: Positive = 100
    index: Index | None = None

    @model_validator(mode="after")
    def _shortlists_reach(self) -> Retrieve:
        if self.index is not None and self.index.shortlist < self.depth:
            raise ValueError(f"index.shortlist is {self.index.shortlist}; at least `depth`, {self.depth}, is needed")
        return self


class Pool(Section):
    """Stage `pool`: top `depth` of each system, and `sample` random images of the gallery a subtopic."""

    systems: list[Name] = Field(min_length=1)
    depth: Positive = 30
    sample: Annotated[int, Field(ge=0)] = 20
    seed: Seed
