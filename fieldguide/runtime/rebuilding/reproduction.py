"""A build held against a published one, in three grades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fieldguide.runtime.rebuilding.conclusions import Conclusion, compare_conclusions
from fieldguide.runtime.rebuilding.figures import Figure, ranking_figure, sample_figures, score_figure
from fieldguide.runtime.rebuilding.record import BuildRecord
from fieldguide.runtime.rebuilding.stages import StageDifference

Grade = Literal["bytes", "numbers", "conclusions", "different"]
GRADES: tuple[Grade, ...] = ("bytes", "numbers", "conclusions", "different")
STATUS: Mapping[Grade, int] = {"bytes": 0, "numbers": 10, "conclusions": 11, "different": 12}
_SHOWN = 48
_MEANS: Mapping[Grade, str] = {
    "bytes": "the same bytes: every output is what was published",
    "numbers": "other bytes, the same numbers within their bounds",
    "conclusions": "other numbers, the same conclusions",
    "different": "other conclusions",
}


@dataclass(frozen=True)
class Reproduction:
    """How a build compares with what was published.

    Attributes:
        published: how whoever asked named it.
        grade: the best that holds.
        differing: outputs or files whose bytes differ, some of them by name.
        stages: that differ, in the order in which they run; none where a release is compared, which has no dvc.lock.
        figures, conclusions: as measured; none where all bytes are the same.
        environments: what is otherwise in what each stage ran on.
        reasons: why outputs differ, in words, the first stage first.
    """

    published: str
    grade: Grade
    differing: tuple[str, ...]
    stages: tuple[StageDifference, ...]
    figures: tuple[Figure, ...]
    conclusions: tuple[Conclusion, ...]
    environments: Mapping[str, tuple[str, ...]]
    reasons: tuple[str, ...]

    @property
    def words(self) -> str:
        """What the grade means."""
        return _MEANS[self.grade]

    @property
    def distances(self) -> list[dict[str, Any]]:
        """Figures as rows of a table, each with its bound in words."""
        return [
            {
                "what": one.what,
                "value": "–" if not one.compared else f"{one.value:.4f}" if one.at_least else f"{one.value:.3g}",
                "bound": f"at {'least' if one.at_least else 'most'} {one.bound:g}",
                "near": "yes" if one.near else "no",
                "at": one.at if len(one.at) <= _SHOWN else f"{one.at[:_SHOWN]}…",
                "compared": one.compared,
                "missing": one.missing,
            }
            for one in self.figures
        ]


def compare_builds(
    called: str,
    published: BuildRecord,
    here: BuildRecord,
    differing: Sequence[str],
    stages: Sequence[StageDifference] = (),
    told: Sequence[str] = (),
) -> Reproduction:
    """Compare two records; `differing` names outputs with other bytes, `stages` where they begin to differ.

    `told` are reasons that are known otherwise.
    """
    environments = _environments(published, here)
    if not differing:
        return Reproduction(called, "bytes", (), tuple(stages), (), (), environments, tuple(_reasons(stages, {})))
    figures = (
        *sample_figures(published.samples, here.samples),
        ranking_figure(published.rankings, here.rankings),
        score_figure(published.conclusions, here.conclusions),
    )
    conclusions = tuple(compare_conclusions(published.conclusions, here.conclusions))
    return Reproduction(
        called,
        _grade(figures, conclusions),
        tuple(differing),
        tuple(stages),
        figures,
        conclusions,
        environments,
        (*told, *_reasons(stages, environments)),
    )


def _grade(figures: Sequence[Figure], conclusions: Sequence[Conclusion]) -> Grade:
    if not all(one.holds for one in conclusions):
        return "different"
    return "numbers" if all(figure.near for figure in figures) else "conclusions"


def _environments(published: BuildRecord, here: BuildRecord) -> dict[str, tuple[str, ...]]:
    """What is otherwise in what each stage ran on, for stages of which it is known on both sides."""
    sides = published.environments, here.environments
    return {stage: tuple(sides[0][stage].differences(sides[1][stage])) for stage in sides[0] if stage in sides[1]}


def _reasons(stages: Sequence[StageDifference], environments: Mapping[str, Sequence[str]]) -> list[str]:
    found = []
    for one in stages:
        for cause in one.causes:
            if cause.kind == "environment":
                found.append(f"{one.stage}: {_environment(one, environments)}")
            else:
                same = "" if one.outputs else "; its outputs are the same"
                found.append(f"{one.stage}: {cause.kind}: {cause.what}{same}")
    return found


def _environment(one: StageDifference, environments: Mapping[str, Sequence[str]]) -> str:
    same = "code, parameters and inputs are the same"
    if one.stage not in environments:
        return f"{same}; what it ran on is not known of both builds"
    differences = environments[one.stage]
    if not differences:
        return f"{same}, and so is all that is known of what it ran on: chance, or something that nobody recorded"
    return f"{same}; it ran on something else: " + "; ".join(differences)
