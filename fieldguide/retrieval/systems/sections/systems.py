"""Sections of systems: one class a kind. What a kind computes is in fieldguide/retrieval/systems/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from fieldguide.core.plugins import check_offered, tag_by_kind
from fieldguide.core.section import Name, Positive, Share
from fieldguide.retrieval.systems.sections.baselines import ConstantSystem, FileOrderSystem, RandomSystem, RunSystem
from fieldguide.retrieval.systems.sections.cletir import CletirSystem
from fieldguide.retrieval.systems.sections.composed import CirevlSystem, PdvSystem, WeimocirSystem
from fieldguide.retrieval.systems.sections.decompose import DecomposeSystem
from fieldguide.retrieval.systems.sections.ranking import (
    Constant,
    DrawingSection,
    Fusion,
    RankingSection,
    counted,
    fusion_words,
)
from fieldguide.retrieval.systems.sections.reranking import RerankVlmSystem

GROUP = "fieldguide.systems"
"""Entry points by which other packages offer kinds of systems."""

_SPACE_OF_TEXTS = {"question": "question", "phrase": "phrase", "expansion": "phrase and its expansions"}


class TextSystem(RankingSection):
    """Ranks by similarity of a text and the images in one encoder's text-to-image space.

    `expansion`: of the phrase and of the other wordings that `rewrite.expansions` asks for, fused.
    """

    kind: Literal["text"]
    encoder: Name
    query: Literal["question", "phrase", "expansion"]
    fusion: Fusion = "mean"
    c: Constant = 1.0

    @property
    def words(self) -> str:
        """What it does, for the report."""
        fused = f", {fusion_words(self.fusion, self.c)}" if self.query == "expansion" else ""
        return f"text of the {_SPACE_OF_TEXTS[self.query]}{fused}, encoder {self.encoder}"


class CaptionSystem(RankingSection):
    """Ranks by similarity of a text and the images' captions in one encoder's space of texts."""

    kind: Literal["caption"]
    encoder: Name
    query: Literal["question", "phrase"]

    @property
    def words(self) -> str:
        """What it does, for the report."""
        return f"text of the {self.query} with captions, encoder {self.encoder}"


class VisretSystem(DrawingSection):
    """Ranks by similarity of drawings and photographs (VisRet, arXiv 2505.20291).

    `preset: paper` is the paper's setting: three drawings, reciprocal rank fusion with c = 1, nothing centred.
    """

    kind: Literal["visret"]
    preset: Literal["paper"] | None = None
    fusion: Fusion = "rrf"
    c: Constant = 1.0

    @model_validator(mode="after")
    def _preset_holds(self) -> VisretSystem:
        fixed = {"images": 3, "fusion": "rrf", "c": 1.0, "centre": "none"}
        other = [key for key, value in fixed.items() if self.preset and getattr(self, key) != value]
        if other:
            raise ValueError(f"preset paper has {', '.join(f'{k}: {fixed[k]}' for k in other)}; leave the preset out")
        return self

    @property
    def words(self) -> str:
        """What it does, for the report."""
        preset = " (the VisRet paper's setting)" if self.preset else ""
        return f"{counted(self.images)}, {fusion_words(self.fusion, self.c)}{self.domains}{preset}"


class PluginSystem(RankingSection):
    """A system of a kind that another package offers; that package says which keys it has."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str

    @model_validator(mode="after")
    def _kind_is_offered(self) -> PluginSystem:
        check_offered(self.kind, BUILTIN, GROUP)
        return self

    @property
    def words(self) -> str:
        """What it does, for the report."""
        options = ", ".join(f"{name}: {value}" for name, value in (self.model_extra or {}).items())
        return f"{self.kind} of another package{f' ({options})' * bool(options)}"


class LateFusionSystem(RankingSection):
    """Ranks by the fused scores of other systems, such as one of texts and one of drawings.

    `rrf`: weighted reciprocal ranks. `sum`: weighted sum of scores, scaled to 0..1 over the candidates (CombSUM).
    """

    kind: Literal["late-fusion"]
    parts: Annotated[list[System], Field(min_length=2)]
    weights: list[Annotated[float, Field(gt=0)]] | None = None
    fusion: Literal["rrf", "sum"] = "sum"
    c: Constant = 1.0

    @model_validator(mode="after")
    def _a_weight_each(self) -> LateFusionSystem:
        if self.weights is not None and len(self.weights) != len(self.parts):
            raise ValueError(f"{len(self.weights)} weights for {len(self.parts)} parts")
        return self

    @property
    def inner(self) -> Mapping[str, RankingSection]:
        """See `RankingSection`."""
        return {f"parts.{n}": part for n, part in enumerate(self.parts)}

    @property
    def words(self) -> str:
        """What it does, for the report."""
        fusion = f"rank fusion, c = {self.c:g}" if self.fusion == "rrf" else "sum of scores"
        weights = f" ({' : '.join(f'{weight:g}' for weight in self.weights)})" if self.weights else ""
        return f"{fusion}{weights} of: {'; '.join(part.words for part in self.parts)}"


class AdaptiveSystem(RankingSection):
    """Ranks each subtopic by text or by drawings, whichever is predicted to do better (after GILL, arXiv 2305.17216).

    `spread`: where the best `depth` images stand out further. `agreement`: drawings where the best `depth` images of
    their single rankings agree by at least `threshold`.
    """

    kind: Literal["adaptive"]
    text: TextSystem
    visret: VisretSystem
    predictor: Literal["spread", "agreement"] = "spread"
    depth: Positive = 10
    threshold: Share = 0.3

    @model_validator(mode="after")
    def _scores_are_similarities(self) -> AdaptiveSystem:
        if self.predictor == "spread" and "rrf" in (self.text.fusion, self.visret.fusion):
            raise ValueError(
                "predictor spread compares similarities; fuse text and drawings by mean or max, not by rrf"
            )
        return self

    @property
    def inner(self) -> Mapping[str, RankingSection]:
        """See `RankingSection`."""
        return {"text": self.text, "visret": self.visret}

    @property
    def words(self) -> str:
        """What it does, for the report."""
        by = "spread of scores" if self.predictor == "spread" else f"agreement of drawings from {self.threshold:g}"
        return f"by {by}, for each question either {self.text.words}, or {self.visret.words}"


BUILTIN: dict[str, type[RankingSection]] = {
    get_args(section.model_fields["kind"].annotation)[0]: section
    for section in (
        RandomSystem, ConstantSystem, FileOrderSystem, RunSystem, TextSystem, CaptionSystem, VisretSystem,
        LateFusionSystem, WeimocirSystem, PdvSystem, CirevlSystem, CletirSystem, DecomposeSystem,
        AdaptiveSystem, RerankVlmSystem,
    )
}  # fmt: skip
# A new kind: its class into BUILTIN, and a line into System.
System = Annotated[
    Annotated[RandomSystem, Tag("random")]
    | Annotated[ConstantSystem, Tag("constant")]
    | Annotated[FileOrderSystem, Tag("file-order")]
    | Annotated[RunSystem, Tag("run")]
    | Annotated[TextSystem, Tag("text")]
    | Annotated[CaptionSystem, Tag("caption")]
    | Annotated[VisretSystem, Tag("visret")]
    | Annotated[LateFusionSystem, Tag("late-fusion")]
    | Annotated[WeimocirSystem, Tag("weimocir")]
    | Annotated[PdvSystem, Tag("pdv")]
    | Annotated[CirevlSystem, Tag("cirevl")]
    | Annotated[CletirSystem, Tag("cletir")]
    | Annotated[DecomposeSystem, Tag("decompose")]
    | Annotated[AdaptiveSystem, Tag("adaptive")]
    | Annotated[RerankVlmSystem, Tag("rerank-vlm")]
    | Annotated[PluginSystem, Tag("plugin")],
    Discriminator(tag_by_kind(BUILTIN)),
]
LateFusionSystem.model_rebuild()
RerankVlmSystem.model_rebuild(_types_namespace={"System": System})
