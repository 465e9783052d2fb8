"""One look at how far people are: plan what is new, pull, ask for what has become due, count."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fieldguide.annotation.judgments.guidelines import refuse_labels
from fieldguide.annotation.label_studio.accounts import UnknownPeopleError
from fieldguide.annotation.label_studio.client import ServerError
from fieldguide.annotation.lock import judgments_locked
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.progress.coverage import JudgingCoverage, PersonCoverage
from fieldguide.core.errors import FieldguideError


@dataclass(frozen=True)
class Standing:
    """How far people are.

    Attributes:
        coverage: of what is asked, what is judged.
        wanted: the share at which a build goes on (annotate.coverage).
        notes: what a manager should know.
    """

    coverage: JudgingCoverage
    wanted: float
    notes: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """The build can go on."""
        return self.coverage.enough(self.wanted)

    def __str__(self) -> str:
        lines = list(self.coverage.lines())
        if self.coverage.left and self.wanted < 1:
            lines.append(f"  {self.wanted:.0%} are wanted (annotate.coverage)")
        lines += [f"  {person.assessor}: {_left(person)}" for person in self.coverage.people if person.left]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def _left(person: PersonCoverage) -> str:
    """What a person has to judge, and what may follow."""
    more = f", at most {person.later} more later" if person.later else ""
    return f"{person.left - person.later} to judge now{more}"


def look(annotation: Annotation) -> Standing:
    """Bring plan, server and log together, and count. It may be repeated at any time.

    Where the log holds enough, no server is needed: a benchmark is rebuilt from its log.

    Raises:
        FieldguideError: the server is needed and cannot be asked, or does not know everybody who is to be asked; the
            log's chain is broken, or it holds a data set's labels; nothing can be planned.
    """
    with judgments_locked(annotation.paths, wait=True):
        refuse_labels(annotation.plan().entries, annotation.paths.judgments)
        notes, trouble = _exchange(annotation)
        now = annotation.now()
        notes += map(str, now.excluded)
        standing = Standing(now.coverage, now.annotate.coverage, tuple(notes))
    if trouble is None:
        return standing
    if not standing.enough:
        raise trouble
    return replace(standing, notes=(*notes, f"the log suffices; the server was not asked: {trouble}"))


def _exchange(annotation: Annotation) -> tuple[list[str], FieldguideError | None]:
    """Pull, plan disputes, push. Returns notes, and why the server could not be asked."""
    trouble: FieldguideError | None = None
    notes: list[str] = []
    try:
        annotation.server()
    except FieldguideError as error:  # none is known
        trouble = error
    try:
        if trouble is None:
            pulled = annotation.pull()
            notes += pulled.notes if pulled.projects else ()  # the first push makes them
    except ServerError as error:
        trouble = error
    if annotation.asked.adjudicator is not None:
        annotation.ask_adjudicator()
    try:
        if trouble is None:
            notes += annotation.push().notes
    except (ServerError, UnknownPeopleError) as error:
        trouble = error
    return notes, trouble
