"""How annotation goes: figures of plan and log, and what the server has that was not pulled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fieldguide.annotation.agreement.figures import AnnotationFigures, figures_of
from fieldguide.annotation.judgments.excluding import ExcludedPerson
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.progress.coverage import JudgingCoverage
from fieldguide.annotation.progress.effort import EffortEstimate, estimate
from fieldguide.annotation.progress.stopping import StoppingVerdict
from fieldguide.annotation.sync.project_status import ProjectStatus, project_statuses
from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json
from fieldguide.core.paths import Paths


@dataclass(frozen=True)
class AnnotationStatus:
    """How annotation goes.

    Attributes:
        progress: figures of plan and log.
        coverage: of what is asked, what is judged.
        verdicts: how far each subtopic is.
        estimate: hours.
        live: what the server has, None where it was not asked; `offline` says why.
        stale: the qrels rest on another state of the log.
        excluded: people whose judgments count for nothing.
        unplanned: version of the guidelines in force by which nobody is asked yet; None where somebody is.
    """

    progress: AnnotationFigures
    coverage: JudgingCoverage
    verdicts: tuple[StoppingVerdict, ...]
    estimate: EffortEstimate
    live: tuple[ProjectStatus, ...] | None
    offline: str | None
    stale: bool
    excluded: tuple[ExcludedPerson, ...] = ()
    unplanned: str | None = None


def status_of(annotation: Annotation) -> AnnotationStatus:
    """Figures of plan and log, and what the server has; reads only.

    Raises:
        FieldguideError: nothing is planned yet, or the log's chain is broken.
    """
    paths = annotation.paths
    if not paths.asked.exists():
        raise FieldguideError(f"{paths.asked}: no such file, so that nobody was asked; `fieldguide annotate plan`")
    now = annotation.now()
    asked, out = now.annotate, [one.assessor for one in now.excluded]
    there, offline, waiting = None, None, None
    try:
        there = tuple(project_statuses(annotation.server(), paths, annotation.benchmark, now.entries))
        waiting = Counter(dict.fromkeys(asked.people, 0))
        for project in there:
            waiting[project.assessor] += project.not_pulled
    except FieldguideError as error:
        offline = str(error)
    return AnnotationStatus(
        progress=figures_of(
            now.plan[~now.plan["assessor"].isin(out)], now.counted, now.gold, asked,
            due=now.due, not_pulled=waiting, grades=sorted(now.guideline.grades), guidelines=now.versions,
        ),
        coverage=now.coverage,
        verdicts=tuple(now.verdicts),
        estimate=estimate(now.plan, now.counted, overlap=asked.overlap, people=asked.people),
        live=there,
        offline=offline,
        excluded=now.excluded,
        stale=_is_stale(paths, now.entries),
        unplanned=None if any(row.guideline in now.versions for row in now.rows) else now.guideline.version,
    )  # fmt: skip


def _is_stale(paths: Paths, entries: Sequence[LogEntry]) -> bool:
    """Whether there are qrels of another log than this one."""
    grades = paths.qrels / "grades.json"
    head = entries[-1].hash if entries else None
    stated = read_json(grades) if grades.exists() else None
    told = stated.get("log") if isinstance(stated, dict) else None
    return grades.exists() and (not isinstance(told, dict) or told.get("head") != head)
