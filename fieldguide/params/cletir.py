"""Sections of CLETIR: the system, and the training of its networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fieldguide.errors import Problem
from fieldguide.params.base import Name, Positive, Section, Seed, Share
from fieldguide.params.ranking import DrawingSection, RankingSection, counted


class CletirSystem(DrawingSection):
    """Drawings as one query vector, fused with the text's similarity (CLETIR, arXiv 2509.00177).

    Attributes:
        text_encoder: the space in which the text is compared with photographs; drawings are in `encoder`'s.
        aggregation: `learnt`: the aggregation network; `average`: the mean of the drawings, its untrained form.
        weight: of the image space; `learnt`: sigma(p); a number: its untrained form.
        network: the system whose training (stage `train_cletir`) the learnt parts are from: itself, or the one that it
            is an ablation of.
    """

    kind: Literal["cletir"]
    text_encoder: Name
    query: Literal["question", "phrase"] = "phrase"
    aggregation: Literal["learnt", "average"] = "learnt"
    weight: Literal["learnt"] | Share = "learnt"
    network: Name | None = None

    @model_validator(mode="after")
    def _network_is_used(self) -> CletirSystem:
        if not self.learns and self.network is not None:
            raise ValueError("network has a meaning only where aggregation or weight is learnt")
        if self.learns and self.network is None:
            raise ValueError("aggregation or weight is learnt: network must name a system of train_cletir.systems")
        return self

    @property
    def learns(self) -> bool:
        """Whether any part of it is trained."""
        return "learnt" in (self.aggregation, self.weight)

    @property
    def words(self) -> str:
        """What it does, for the report."""
        how = "aggregation network over" if self.aggregation == "learnt" else "average of"
        weight = "learnt weight" if self.weight == "learnt" else f"weight {self.weight:g}"
        seen = ", trained on other entities" if self.learns else ", untrained"
        return f"{how} {counted(self.images)} and text of the {self.query}, {weight} (CLETIR{seen}){self.domains}"


class TrainCletir(Section):
    """Stage `train_cletir`: an aggregation network a fold of the entities, trained on those of all other folds.

    Attributes:
        systems: of kind cletir, whose encoders, drawings and centring are trained for.
        folds: the entities are dealt into.
        steps: of the optimiser, a fold.
        batch: phrases a step.
        learning_rate: of the aggregation; `weight_learning_rate` of p, the logit of the weight.
        temperature: divides similarities before the softmax over photographs.
    """

    systems: list[Name] = Field(default=[])
    split: Literal["train"] = "train"
    folds: Annotated[int, Field(ge=2, le=100)] = 4
    steps: Positive = 60
    batch: Positive = 16
    learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    weight_learning_rate: Annotated[float, Field(gt=0)] = 0.1
    temperature: Annotated[float, Field(gt=0)] = 0.05
    seed: Seed = 5


def untrained(systems: Mapping[str, RankingSection], training: TrainCletir) -> list[Problem]:
    """Learnt parts of systems that no stage learns, and trainings of what cannot be trained."""
    problems = []
    for n, name in enumerate(training.systems):
        section = systems.get(name)
        if not isinstance(section, CletirSystem) or not section.learns:
            problems.append(Problem(f"train_cletir.systems.{n}", f"{name!r} is no system of kind cletir that learns"))
    allowed = ", ".join(training.systems) or "none"
    for name, system in systems.items():
        for place, section in system.walk(f"systems.{name}"):
            if isinstance(section, CletirSystem) and section.learns and section.network not in training.systems:
                what = f"{section.network!r} is not in train_cletir.systems; allowed: {allowed}"
                problems.append(Problem(f"{place}.network", what))
    return problems
