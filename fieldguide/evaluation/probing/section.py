"""Section of the stage that changes questions and asks which systems notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from fieldguide.core.errors import Problem
from fieldguide.core.section import Names, Positive, Section, Seed
from fieldguide.retrieval.systems.sections.ranking import RankingSection

# Their queries can be changed: others read what is made of the questions elsewhere (captions, expansions, runs).
_KINDS = ("adaptive", "cletir", "decompose", "late-fusion", "random", "text", "visret")


class Probe(Section):
    """Stage `probe`: comparison questions with the entities swapped, words shuffled, feature dropped, relatives named.

    Attributes:
        systems: that are asked; none: the stage writes an empty report.
        topics: how many comparison topics, drawn by `seed`.
        depth: of the rankings that are compared.
        same: rank-biased overlap with the unchanged question's ranking from which on a system did not react.
    """

    systems: Names = Field(default=[])
    topics: Positive = 10
    depth: Positive = 100
    same: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.9
    seed: Seed = 29


def unprobeable(systems: Mapping[str, RankingSection], names: Sequence[str]) -> list[Problem]:
    """Systems whose queries cannot be changed."""
    problems = []
    for n, name in enumerate(names):
        for place, section in systems[name].walk(f"systems.{name}") if name in systems else []:
            kind, where = getattr(section, "kind", None), f"probe.systems.{n}"
            if kind not in _KINDS or getattr(section, "query", None) == "expansion":
                what = (
                    f"{place} is of kind {kind}, whose queries cannot be changed; kinds that can: {', '.join(_KINDS)}"
                )
                problems.append(Problem(where, f"{what} (text without expansions)"))
            elif getattr(section, "centre", None) == "kind":
                what = f"{place} centres by kind, so that its means would change with the questions"
                problems.append(Problem(where, f"{what}; probe it with centre: topics"))
    return problems
