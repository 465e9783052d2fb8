"""All that the manager's page shows, as figures of plan, log and correspondence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fieldguide.annotation.agreement.figures import CONFIDENCE, AnnotationFigures, figures_of
from fieldguide.annotation.correspondence.log import Line
from fieldguide.annotation.correspondence.threads import QuestionThread, threads
from fieldguide.annotation.dashboard.beside import (
    RaisedFlag,
    TopicDisputes,
    TrainingRound,
    disputes,
    raised,
    training_rounds,
)
from fieldguide.annotation.dashboard.over_time import AgreementPart, agreement_parts
from fieldguide.annotation.dashboard.pace import PersonPace, finished, paces
from fieldguide.annotation.judgments.votes import rulings, votes
from fieldguide.annotation.progress.coverage import JudgingCoverage
from fieldguide.annotation.progress.effort import EffortEstimate, estimate
from fieldguide.annotation.progress.hours import WorkDay, page_times, work_days
from fieldguide.annotation.progress.snapshot import Snapshot

DRAWS = 200
"""Bootstrap resamples of the intervals, as of `fieldguide annotate status`."""


@dataclass(frozen=True)
class DashboardFigures:
    """What the page shows. Everything is of plan, log and correspondence: the same files, the same figures.

    Attributes:
        benchmark: its name.
        lines: of the log; `head`: hash of the last; `until`: when the latest judgment was given, UTC, ISO 8601.
        deadline: annotate.deadline, ISO 8601.
        progress: people and topics, as `fieldguide annotate status` has them.
        coverage: of what is asked, what is judged.
        days: hours of each person and day.
        estimate: hours left, and what they rest on.
        paces: of the people of `progress`, in their order; `done`: when all is judged at the present pace.
        over_time: agreement from the first images to the last.
        flags: with the images behind them.
        disputes: by topic.
        questions: what people asked and flagged, oldest first.
        training: rounds.
    """

    benchmark: str
    lines: int
    head: str | None
    until: str | None
    deadline: str | None
    progress: AnnotationFigures
    coverage: JudgingCoverage
    days: tuple[WorkDay, ...]
    estimate: EffortEstimate
    paces: tuple[PersonPace, ...]
    done: str | None
    over_time: tuple[AgreementPart, ...]
    flags: tuple[RaisedFlag, ...]
    disputes: tuple[TopicDisputes, ...]
    questions: tuple[QuestionThread, ...]
    training: tuple[TrainingRound, ...]


def dashboard_figures(now: Snapshot, lines: Sequence[Line], benchmark: str) -> DashboardFigures:
    """The figures of one moment.

    Args:
        now: plan and log.
        lines: correspondence.jsonl.
        benchmark: params.release.name.
    """
    annotate, entries = now.annotate, now.entries
    progress = figures_of(
        now.plan, entries, now.gold, annotate,
        due=now.due, grades=sorted(now.guideline.grades), guidelines=now.versions, draws=DRAWS,
    )  # fmt: skip
    pages = page_times(entries)
    days, said = work_days(pages), votes(now.in_force)
    left = estimate(now.plan, entries, overlap=annotate.overlap, people=annotate.people)
    mine = paces(days, left.efforts, [person.name for person in progress.people])
    return DashboardFigures(
        benchmark=benchmark,
        lines=len(entries),
        head=entries[-1].hash if entries else None,
        until=max((page.at.isoformat() for page in pages if page.at is not None), default=None),
        deadline=annotate.deadline.isoformat() if annotate.deadline else None,
        progress=progress,
        coverage=now.coverage,
        days=tuple(days),
        estimate=left,
        paces=tuple(mine),
        done=finished(mine),
        over_time=tuple(agreement_parts(said, confidence=CONFIDENCE, draws=DRAWS, seed=annotate.seed)),
        flags=tuple(raised(progress.people, said, now.gold)),
        disputes=tuple(disputes(said, rulings(now.in_force))),
        questions=tuple(threads(lines)),
        training=tuple(training_rounds(lines)),
    )
