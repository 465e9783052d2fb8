"""Stages that encode, draw, search and pool."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fieldguide.core.section import Name, Positive, Section


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
