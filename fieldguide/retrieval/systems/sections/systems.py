"""The section of any system: one class a kind, those that hold other systems here. kinds/ says what each computes."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from fieldguide.core.plugins import by_kind, offered_kind, tag_by_kind
from fieldguide.core.section import Positive, Share
from fieldguide.models.calls.section import ChatEndpoint
from fieldguide.retrieval.systems.sections.baselines import ConstantSystem, FileOrderSystem, RandomSystem, RunSystem
from fieldguide.retrieval.systems.sections.cletir import CletirSystem
from fieldguide.retrieval.systems.sections.comparing import CaptionSystem, TextSystem, VisretSystem
from fieldguide.retrieval.systems.sections.composed import CirevlSystem, ParacosmSystem, PdvSystem, WeimocirSystem
from fieldguide.retrieval.systems.sections.decompose import DecomposeSystem
from fieldguide.retrieval.systems.sections.ranking import Constant, RankingSection
from fieldguide.retrieval.systems.sections.rounds import GenirSystem

GROUP = "fieldguide.systems"
"""Entry points by which other packages offer kinds of systems."""

PROMPT = (
    "Does the photograph match this query? Query: {query}\n"
    "Answer with one whole number from 0 (not at all) to {scale} (perfectly), and nothing else."
)
YES_OR_NO = 'Does this picture show {query}?\nAnswer the question with either "Yes" or "No" and nothing else.'


class PluginSystem(RankingSection):
    """A system of a kind that another package offers; that package says which keys it has."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str

    _kind_is_offered = offered_kind(GROUP, lambda: BUILTIN)

    @property
    def description(self) -> str:
        """What it does, for the report."""
        options = ", ".join(f"{name}: {value}" for name, value in (self.model_extra or {}).items())
        return f"{self.kind} of another package{f' ({options})' * bool(options)}"


class LateFusionSystem(RankingSection):
    """Ranks by the fused scores of other systems, such as one of texts and one of drawings.

    `rrf`: weighted reciprocal ranks. `sum`: weighted sum of scores, scaled to 0..1 over the candidates (CombSUM).
    """

    kind: Literal["late-fusion"]
    parts: Annotated[list[System], Field(min_length=2)]
    weights: list[Annotated[float, Field(strict=True, gt=0)]] | None = None
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
    def description(self) -> str:
        """What it does, for the report."""
        fusion = f"rank fusion, c = {self.c:g}" if self.fusion == "rrf" else "sum of scores"
        weights = f" ({' : '.join(f'{weight:g}' for weight in self.weights)})" if self.weights else ""
        return f"{fusion}{weights} of: {'; '.join(part.description for part in self.parts)}"


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
    def description(self) -> str:
        """What it does, for the report."""
        by = "spread of scores" if self.predictor == "spread" else f"agreement of drawings from {self.threshold:g}"
        return f"by {by}, for each question either {self.text.description}, or {self.visret.description}"


class RerankVlmSystem(RankingSection):
    """Has a vision-language model look at the `top` best of another system.

    Attributes:
        base: the other system's section.
        chat: the model; it has to understand images.
        query: what stands for {query} in `prompt`.
        score: `grade`: the model answers with a whole number 0..scale. `probability`: with yes or no, and how probable
            its yes is counts; the endpoint has to tell log-probabilities.
        prompt: shown with each photograph, with {query} and, for a grade, {scale}.
        top_logprobs: among so many likeliest first tokens yes and no are looked for.
        side: greatest width or height in pixels of what the model is shown.
    """

    kind: Literal["rerank-vlm"]
    base: System
    chat: ChatEndpoint
    top: Annotated[int, Field(strict=True, ge=1, le=1000)] = 10
    query: Literal["question", "phrase"] = "phrase"
    score: Literal["grade", "probability"] = "grade"
    prompt: str = PROMPT
    scale: Annotated[int, Field(strict=True, ge=1, le=100)] = 10
    top_logprobs: Annotated[int, Field(strict=True, ge=1, le=20)] = 20
    side: Annotated[int, Field(strict=True, ge=16, le=4096)] = 512

    @model_validator(mode="before")
    @classmethod
    def _asks_for_its_score(cls, values: Any) -> Any:
        asks = isinstance(values, dict) and values.get("score") == "probability"
        return {"prompt": YES_OR_NO, **values} if asks else values

    @field_validator("prompt")
    @classmethod
    def _can_be_filled(cls, value: str, info: ValidationInfo) -> str:
        try:
            fields = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
        except ValueError as error:
            raise ValueError(f"is no template: {error}") from None
        grades = info.data.get("score") == "grade"
        if "query" not in fields or fields - ({"query", "scale"} if grades else {"query"}):
            raise ValueError(f"needs {{query}}, {'may have {scale}, ' * grades}and nothing else in braces")
        return value

    @property
    def likeliest(self) -> int:
        """How many first tokens the model is asked for; 0: for a reply."""
        return self.top_logprobs if self.score == "probability" else 0

    @property
    def inner(self) -> Mapping[str, RankingSection]:
        """See `RankingSection`."""
        return {"base": self.base}

    @property
    def description(self) -> str:
        """What it does, for the report."""
        by = ", by the probability of its yes" if self.score == "probability" else ""
        return f"the best {self.top} looked at by {self.chat.model} ({self.query}){by}, of: {self.base.description}"


BUILTIN: dict[str, type[RankingSection]] = by_kind(
    RandomSystem,
    ConstantSystem,
    FileOrderSystem,
    RunSystem,
    TextSystem,
    CaptionSystem,
    VisretSystem,
    LateFusionSystem,
    WeimocirSystem,
    PdvSystem,
    CirevlSystem,
    ParacosmSystem,
    CletirSystem,
    DecomposeSystem,
    AdaptiveSystem,
    RerankVlmSystem,
    GenirSystem,
)
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
    | Annotated[ParacosmSystem, Tag("paracosm")]
    | Annotated[CletirSystem, Tag("cletir")]
    | Annotated[DecomposeSystem, Tag("decompose")]
    | Annotated[AdaptiveSystem, Tag("adaptive")]
    | Annotated[RerankVlmSystem, Tag("rerank-vlm")]
    | Annotated[GenirSystem, Tag("genir")]
    | Annotated[PluginSystem, Tag("plugin")],
    Discriminator(tag_by_kind(BUILTIN)),
]
LateFusionSystem.model_rebuild()
RerankVlmSystem.model_rebuild()
