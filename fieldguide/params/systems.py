"""Sections of systems: one class a kind. What a kind computes is in fieldguide/retrieval/systems/."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from fieldguide.params.base import Name, Positive, Section, Seed

GROUP = "fieldguide.systems"
"""Entry points by which other packages offer kinds of systems."""


class RandomSystem(Section):
    """Ranks at random: what a measure is worth without knowledge."""

    kind: Literal["random"]
    seed: Seed

    @property
    def words(self) -> str:
        """What it does, for the report."""
        return "random order"


class TextSystem(Section):
    """Ranks by similarity of a text and the images in one encoder's text-to-image space."""

    kind: Literal["text"]
    encoder: Name
    query: Literal["question", "phrase"]

    @property
    def words(self) -> str:
        """What it does, for the report."""
        return f"text of the {self.query}, encoder {self.encoder}"


class VisretSystem(Section):
    """Ranks by similarity of drawings and photographs.

    `centre` subtracts each domain's own mean first: from drawings the mean of all topics' drawings or of the
    generic prompts' drawings, from photographs the mean of the gallery. `reach` takes instead of the whole
    gallery only what some topic's drawing finds among its `reach` most similar images: in a gallery that
    holds other things too, its mean is no centre of the photographs that are asked for.
    """

    kind: Literal["visret"]
    encoder: Name
    images: Positive = 3
    fusion: Literal["rrf", "mean", "max"] = "rrf"
    c: Annotated[float, Field(ge=0)] = 1.0
    centre: Literal["none", "topics", "generic"] = "none"
    reach: Positive | None = None

    @model_validator(mode="after")
    def _reach_is_for_centring(self) -> VisretSystem:
        if self.reach is not None and self.centre == "none":
            raise ValueError("reach has a meaning only where centre is topics or generic")
        return self

    @property
    def words(self) -> str:
        """What it does, for the report."""
        fusion = f"rank fusion, c = {self.c:g}" if self.fusion == "rrf" else f"{self.fusion} similarity"
        drawings = f"{self.images} drawing{'s' if self.images > 1 else ''}"
        centre = {"topics": ", domains centred (topics' drawings)", "generic": ", domains centred (generic drawings)"}
        reach = f", photographs on the {self.reach} nearest of each drawing" if self.reach else ""
        return f"{drawings}, {fusion}{centre.get(self.centre, '')}{reach}"


class PluginSystem(Section):
    """A system of a kind that another package offers; that package says which keys it has."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str

    @model_validator(mode="after")
    def _kind_is_offered(self) -> PluginSystem:
        offered = {point.name for point in entry_points(group=GROUP)}
        if self.kind not in offered:
            kinds = ", ".join(map(repr, sorted({*BUILTIN, *offered})))
            raise ValueError(f"kind {self.kind!r} is none of {kinds}, and no installed package offers it")
        return self

    @property
    def words(self) -> str:
        """What it does, for the report."""
        options = ", ".join(f"{name}: {value}" for name, value in (self.model_extra or {}).items())
        return f"{self.kind} of another package{f' ({options})' * bool(options)}"


BUILTIN: dict[str, type[Section]] = {
    get_args(section.model_fields["kind"].annotation)[0]: section
    for section in (RandomSystem, TextSystem, VisretSystem)
}


def _tag(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return str(kind) if kind in BUILTIN else "plugin"


System = Annotated[
    Annotated[RandomSystem, Tag("random")]
    | Annotated[TextSystem, Tag("text")]
    | Annotated[VisretSystem, Tag("visret")]
    | Annotated[PluginSystem, Tag("plugin")],
    Discriminator(_tag),
]
