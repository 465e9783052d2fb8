"""Section of the stage that words phrases anew, and whether the rounds that systems rank by are made."""

from __future__ import annotations

from collections.abc import Container, Mapping

from pydantic import Field

from fieldguide.core.errors import Problem
from fieldguide.core.section import Names, Section
from fieldguide.retrieval.systems.sections.ranking import RankingSection
from fieldguide.retrieval.systems.sections.rounds import GenirSystem


class Refine(Section):
    """Stage `refine`: the phrases of each of these systems, of kind genir, are worded anew in rounds."""

    systems: Names = Field(default=[])


def unrefined(systems: Mapping[str, RankingSection], refine: Refine, left_out: Container[str] = ()) -> list[Problem]:
    """Systems whose rounds are not made, or are those of a system that is set otherwise.

    Those that are `left_out` need none.
    """
    problems = []
    for n, name in enumerate(refine.systems):
        section = systems.get(name)
        if not isinstance(section, GenirSystem) or section.refined != name:
            what = f"{name!r} is no system of kind genir that is refined by itself (refined: {name})"
            problems.append(Problem(f"refine.systems.{n}", what))
    for name, system in systems.items():
        for place, section in system.walk(f"systems.{name}") if name not in left_out else []:
            if isinstance(section, GenirSystem) and (why := _why_not(section, systems, refine)):
                problems.append(Problem(f"{place}.refined", why))
    return problems


def _why_not(section: GenirSystem, systems: Mapping[str, RankingSection], refine: Refine) -> str | None:
    """Why a system cannot rank by the rounds that it names; None where it can, or where those are refused already."""
    if section.refined not in refine.systems:
        return f"{section.refined!r} is not in refine.systems; allowed: {', '.join(refine.systems) or 'none'}"
    made = systems.get(section.refined)
    if not isinstance(made, GenirSystem):
        return None
    if section.rounds > made.rounds:
        return f"{section.refined} has {made.rounds} rounds, which is less than {section.rounds}"
    other = [key for key, value in section if key != "rounds" and getattr(made, key) != value]
    return f"{section.refined} is set otherwise: {', '.join(other)}; only rounds may differ" if other else None
