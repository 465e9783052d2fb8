"""One look at how far people are: plan what is new, pull, ask for what has become due, count."""

from __future__ import annotations

from dataclasses import dataclass

from fieldguide.annotation.label_studio.client import ServerError
from fieldguide.annotation.planning.coverage import Coverage, Share
from fieldguide.cli.annotate_views import coverage_lines
from fieldguide.core.errors import FieldguideError
from fieldguide.runtime.people import annotate
from fieldguide.runtime.people.desk import alone, covered, desk, server
from fieldguide.runtime.run import Run


@dataclass(frozen=True)
class Standing:
    """How far people are.

    Attributes:
        coverage: of what is asked, what is judged.
        wanted: the share at which a build goes on (annotate.coverage).
        notes: what a manager should know.
    """

    coverage: Coverage
    wanted: float
    notes: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """The build can go on."""
        return self.coverage.enough(self.wanted)

    def __str__(self) -> str:
        c = self.coverage
        lines = list(coverage_lines(c))
        if c.left and self.wanted < 1:
            lines.append(f"  {self.wanted:.0%} are wanted (annotate.coverage)")
        shares = [*c.assessors, *([c.adjudicator] if c.adjudicator else [])]
        lines += [f"  {share.assessor}: {_left(share)}" for share in shares if share.left]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def _left(share: Share) -> str:
    """What a person has to judge, and what may follow."""
    more = f", at most {share.later} more later" if share.later else ""
    return f"{share.left - share.later} to judge now{more}"


def look(run: Run) -> Standing:
    """Bring plan, server and log together, and count.

    Where the log holds enough, no server is needed: a benchmark is rebuilt from its log.

    Raises:
        FieldguideError: the server is needed and cannot be asked; the log's chain is broken; nothing can be planned.
    """
    with alone(run.paths, wait=True):
        annotate.plan(run)
        notes, trouble = _exchange(run)
        coverage = covered(run, desk(run.paths))
    standing = Standing(coverage, run.params.annotate.coverage, tuple(notes))
    if trouble is not None:
        if not standing.enough:
            raise trouble
        return Standing(coverage, standing.wanted, (*notes, f"the log suffices; the server was not asked: {trouble}"))
    return standing


def _exchange(run: Run) -> tuple[list[str], FieldguideError | None]:
    """Pull, plan disputes, push. Returns notes, and why the server could not be asked."""
    trouble: FieldguideError | None = None
    notes: list[str] = []
    try:
        server(run.paths)
    except FieldguideError as error:  # none is known
        trouble = error
    try:
        if trouble is None:
            pulled = annotate.pull(run)
            notes += pulled.notes if pulled.projects else ()  # the first push makes them
    except ServerError as error:
        trouble = error
    if run.params.annotate.adjudicator is not None:
        annotate.ask_adjudicator(run)
    try:
        if trouble is None:
            pushed = annotate.push(run)
            notes += pushed.notes
    except ServerError as error:
        trouble = error
    return notes, trouble
