"""How long judging takes: an estimate, and how it was made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import pandas as pd

from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.annotation.progress.counts import AnswerCounts
from fieldguide.annotation.progress.hours import page_times
from fieldguide.core.grouping import grouped
from fieldguide.records.plan import ANYBODY, PlanRow, plan_rows

MEASURED_FROM = 50
"""Judgments with a time that a median is taken from; fewer are too few to stand for all."""

# Assumptions, measured on nobody: they give an order of magnitude until the log knows better.
GRID_SECONDS, SINGLE_SECONDS, QUESTION_SECONDS = 3.0, 5.0, 10.0


@dataclass(frozen=True)
class Effort:
    """What one assessor is asked, or what people together are asked in a shared project (`anybody`).

    Attributes:
        images: judgments planned.
        left: of these, not judged yet.
        pages: of the plan.
        questions: how often another subtopic comes up in what is left.
        hours: for the whole plan.
        hours_left: for what is left.
    """

    assessor: str
    images: int
    left: int
    pages: int
    questions: int
    hours: float
    hours_left: float


@dataclass(frozen=True)
class EffortEstimate:
    """Hours of each assessor; `how` says in words what they rest on."""

    efforts: tuple[Effort, ...]
    how: str

    @property
    def hours(self) -> float:
        """Of everybody, for the whole plan."""
        return sum(effort.hours for effort in self.efforts)

    @property
    def hours_left(self) -> float:
        """Of everybody, for what is left."""
        return sum(effort.hours_left for effort in self.efforts)


def estimate(
    plan: pd.DataFrame, entries: Iterable[LogEntry], *, overlap: int = 1, people: Collection[str] | None = None
) -> EffortEstimate:
    """Hours that the plan takes, by assessor in the order of their names.

    Args:
        plan: records.plan.PLAN.
        entries: the judgment log; where it holds at least `MEASURED_FROM` judgments with a time, their median counts.
        overlap: judgments wanted of each image of a shared project.
        people: who is still asked; None: everybody in the plan.
    """
    rows = [row for row in plan_rows(plan) if people is None or row.assessor in (*people, ANYBODY)]
    lines = list(entries)
    now = current(lines)
    pace = pace_of(lines, grid=any(row.position > 1 for row in rows))
    answers = AnswerCounts(now, overlap)
    asked = grouped((row.assessor, _Asked(row, answers.wanted(row) - answers.given(row))) for row in rows)
    efforts = [_effort(name, mine, overlap, pace) for name, mine in sorted(asked.items())]
    return EffortEstimate(tuple(efforts), pace.how)


class Pace(NamedTuple):
    """Seconds of an image and of each new question; `how` says in words what they rest on."""

    an_image: float
    a_question: float
    how: str


def pace_of(entries: Iterable[LogEntry], *, grid: bool) -> Pace:
    """How fast people judge.

    Args:
        entries: the judgment log; fewer than `MEASURED_FROM` judgments with a time, and the pace is assumed.
        grid: several images are judged at once.
    """
    lines = list(entries)
    times = {seq: page.an_image for page in page_times(lines) for seq in page.lines}
    measured = [seconds for entry in current(lines) if (seconds := times[entry.seq]) is not None]
    if len(measured) >= MEASURED_FROM:
        an_image, a_question = median(measured), 0.0
        how = (
            f"Measured: the median of {len(measured)} judgments so far is {an_image:.1f} s an image, reading the "
            "question and turning pages included; a median passes over pauses."
        )
    else:
        an_image, a_question = (GRID_SECONDS if grid else SINGLE_SECONDS), QUESTION_SECONDS
        how = (
            f"Assumed, not measured: {an_image:g} s an image ({'a page of images' if grid else 'one image'} at a time) "
            f"and {a_question:g} s for each new question. Once {MEASURED_FROM} judgments are in, their median counts."
        )
    return Pace(an_image, a_question, how + " All of the pools is counted; a stopping rule ends earlier.")


class _Asked(NamedTuple):
    """`missing`: judgments of the row that are not in."""

    row: PlanRow
    missing: int


def _effort(name: str, asked: Sequence[_Asked], overlap: int, pace: Pace) -> Effort:
    times = overlap if name == ANYBODY else 1
    images, left = times * len(asked), sum(missing for _, missing in asked)
    still = times * _questions(row for row, missing in asked if missing)
    return Effort(
        assessor=name,
        images=images,
        left=left,
        pages=len({row.page_key for row, _ in asked}),
        questions=still,
        hours=(images * pace.an_image + times * _questions(row for row, _ in asked) * pace.a_question) / 3600,
        hours_left=(left * pace.an_image + still * pace.a_question) / 3600,
    )


def _questions(rows: Iterable[PlanRow]) -> int:
    """How often another subtopic comes up along the queue."""
    subtopics = [subtopic for _, subtopic in sorted({(row.queue, row.subtopic_id) for row in rows})]
    return sum(n == 0 or subtopic != subtopics[n - 1] for n, subtopic in enumerate(subtopics))
