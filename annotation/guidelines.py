"""Guidelines by version: which choices an assessor has, which grade each gives, what each grade means.

A version is never changed once somebody judged by it; a change is a new version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from annotation.log import Entry
from fieldguide.errors import FieldguideError, Problem, ProblemsError


@dataclass(frozen=True)
class Guideline:
    """Attributes: `choices` maps a choice to its grade (None: no grade), `grades` a grade to its definition."""

    version: str
    choices: Mapping[str, int | None]
    grades: Mapping[int, str]
    about: str


DATASET_LABEL = Guideline(
    version="dataset-label-1",
    choices={"relevant": 1, "not-relevant": 0},
    grades={
        0: "Not relevant: the data set labels the photograph with another entity, or with none.",
        1: "Relevant: the data set labels the photograph with the entity of the subtopic.",
    },
    about=(
        "Nobody looked at the photographs: every grade is taken from the data set's label of the photograph. "
        "The asked features are such as any photograph of the whole fruit shows, so that a photograph of the entity "
        "is taken to show the feature. Where a photograph shows more than its label says, the grade does not know."
    ),
)
PHOTOGRAPH = Guideline(
    version="photograph-1",
    choices={"relevant": 1, "not-relevant": 0, "cannot-tell": None, "broken-image": None},
    grades={
        0: "Not relevant: the photograph does not show the entity, or the asked feature cannot be seen on it.",
        1: "Relevant: the photograph shows the entity, and the asked feature can be seen on it.",
    },
    about="Assessors looked at each photograph with the question, the entity and the asked feature before them.",
)
GUIDELINES = {guideline.version: guideline for guideline in (DATASET_LABEL, PHOTOGRAPH)}


def guidelines_of(entries: Iterable[Entry], where: str) -> list[Guideline]:
    """The guidelines that were judged by, in the order of their versions.

    Raises:
        ProblemsError: lines with an unknown guideline, or a choice or grade that theirs does not have; all of them.
        FieldguideError: two guidelines define one grade differently, so that grades cannot be put together.
    """
    used, problems = set(), []
    for entry in entries:
        guideline = GUIDELINES.get(entry.guideline)
        if guideline is None:
            what = f"guideline {entry.guideline!r} is unknown; known: {', '.join(sorted(GUIDELINES))}"
            problems.append(Problem(f"{where}:{entry.seq}", what))
            continue
        used.add(guideline.version)
        if entry.choice is not None and (entry.choice, entry.grade) not in guideline.choices.items():
            allowed = ", ".join(f"{c} ({'no grade' if g is None else g})" for c, g in guideline.choices.items())
            what = f"choice {entry.choice!r} with grade {entry.grade} is not in {guideline.version}; allowed: {allowed}"
            problems.append(Problem(f"{where}:{entry.seq}", what))
    if problems:
        raise ProblemsError(f"{where}: judgments that their guideline does not allow:", problems)
    versions = sorted(used)
    if len({tuple(sorted(GUIDELINES[v].grades.items())) for v in versions}) > 1:
        raise FieldguideError(
            f"{where}: the guidelines {', '.join(versions)} define the same grades differently; "
            "adjudicate the judgments of one of them"
        )
    return [GUIDELINES[version] for version in versions]
