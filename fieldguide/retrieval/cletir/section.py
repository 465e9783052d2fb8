"""Section of CLETIR's training, and whether what systems need is trained."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Annotated, Literal

from pydantic import Field

from fieldguide.core.errors import Problem
from fieldguide.core.section import Names, Positive, Section, Seed
from fieldguide.retrieval.systems.sections.cletir import CletirSystem
from fieldguide.retrieval.systems.sections.ranking import RankingSection


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

    systems: Names = Field(default=[])
    split: Literal["train"] = "train"
    folds: Annotated[int, Field(strict=True, ge=2, le=100)] = 4
    steps: Positive = 60
    batch: Positive = 16
    learning_rate: Annotated[float, Field(strict=True, gt=0)] = 1e-5
    weight_learning_rate: Annotated[float, Field(strict=True, gt=0)] = 0.1
    temperature: Annotated[float, Field(strict=True, gt=0)] = 0.05
    seed: Seed = 5


def untrained(
    systems: Mapping[str, RankingSection], training: TrainCletir, left_out: Container[str] = ()
) -> list[Problem]:
    """Systems that need a network which is not trained, and trainings of systems that learn nothing.

    Those that are `left_out` need none.
    """
    problems = []
    for n, name in enumerate(training.systems):
        section = systems.get(name)
        if not isinstance(section, CletirSystem) or not section.learns:
            problems.append(Problem(f"train_cletir.systems.{n}", f"{name!r} is no system of kind cletir that learns"))
    allowed = ", ".join(training.systems) or "none"
    for name, system in systems.items():
        if name in left_out:
            continue
        for place, section in system.walk(f"systems.{name}"):
            if isinstance(section, CletirSystem) and section.learns and section.network not in training.systems:
                what = f"{section.network!r} is not in train_cletir.systems; allowed: {allowed}"
                problems.append(Problem(f"{place}.network", what))
    return problems
