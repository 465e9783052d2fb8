"""What the sections of all systems have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fieldguide.core.section import Name, Positive, Section

Fusion = Literal["rrf", "mean", "max"]
Constant = Annotated[float, Field(strict=True, ge=0)]
"""Of reciprocal rank fusion: 1 / (c + rank)."""

_CENTRES = {
    "topics": ", domains centred (topics' drawings)",
    "generic": ", domains centred (generic drawings)",
    "kind": ", domains centred (drawings of the entity's kind)",
}


class RankingSection(Section):
    """The section of a system. Keys that name an encoder are called `encoder` or end in `_encoder`."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What it does, for the report."""

    @property
    def encoders(self) -> Mapping[str, str]:
        """Names of the encoders whose vectors it needs, by the key that says so."""
        named = {key: value for key, value in self if key == "encoder" or key.endswith("_encoder")}
        return {key: value for key, value in named.items() if isinstance(value, str)}

    @property
    def drawings(self) -> int:
        """How many drawings of each phrase it looks at."""
        return 0

    @property
    def twins(self) -> bool:
        """Whether it looks at the photographs' twins."""
        return False

    @property
    def inner(self) -> Mapping[str, RankingSection]:
        """The systems that it is made of, by the key that holds each."""
        return {}

    def walk(self, where: str) -> list[tuple[str, RankingSection]]:
        """This section and all inside it, each with its place in params.yaml."""
        inside = [item for key, section in self.inner.items() for item in section.walk(f"{where}.{key}")]
        return [(where, self), *inside]


class DrawingSection(RankingSection):
    """The section of a system that compares drawings with photographs.

    `images` drawings of each phrase are used. `centre` subtracts each domain's own mean first. From drawings: the mean
    of all topics' drawings, of the generic prompts' drawings, or of the drawings of the entity's own kind (entities
    with the same parent in the taxonomy). From photographs: the mean of the gallery. `reach` takes instead of the whole
    gallery only what some topic's drawing (`kind`: of that kind) finds among its `reach` most similar images: in a
    gallery that holds other things too, its mean is no centre of the photographs that are asked for.
    """

    encoder: Name
    images: Positive = 3
    centre: Literal["none", "topics", "generic", "kind"] = "none"
    reach: Positive | None = None

    @model_validator(mode="after")
    def _reach_is_for_centring(self) -> Self:
        if self.reach is not None and self.centre == "none":
            raise ValueError("reach has a meaning only where centre is topics, generic or kind")
        return self

    @property
    def drawings(self) -> int:
        """See `RankingSection`."""
        return self.images

    @property
    def domains(self) -> str:
        """How the two domains are brought together, for the report."""
        reach = f", photographs on the {self.reach} nearest of each drawing" if self.reach else ""
        return _CENTRES.get(self.centre, "") + reach


def describe_fusion(fusion: Fusion, c: float) -> str:
    """How several rankings become one, for the report."""
    return f"rank fusion, c = {c:g}" if fusion == "rrf" else f"{fusion} similarity"


def counted(images: int) -> str:
    """`1 drawing`, `3 drawings`."""
    return f"{images} drawing{'s' if images > 1 else ''}"
