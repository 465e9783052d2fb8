"""What the commands of `fieldguide annotate` do, one function each, in the order in which a manager needs them.

Whoever calls what writes (all but status, agreement and what is dry) does so `alone` (desk.py): two at once
would plan or append on what the other has just changed, and a pull beside a running `adjudicate` would have DVC
record a log that its qrels do not know. Pure computation is in annotation/; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from fieldguide.annotation.judgments.guidelines import archived, counting, guidelines_of
from fieldguide.annotation.judgments.log import Entry
from fieldguide.annotation.planning.coverage import Coverage
from fieldguide.annotation.planning.stopping import Verdict
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import read_json
from fieldguide.core.paths import Paths
from fieldguide.records.judgments import POOLS
from fieldguide.records.plan import PLAN
from fieldguide.runtime.people.desk import (
    covered,
    desk,
    gold_of,
    judged_so_far,
    server,
    shown,
    stale_gold,
    subtopics,
)
from fieldguide.runtime.run import Run

if TYPE_CHECKING:
    from fieldguide.annotation.agreement.progress import Progress
    from fieldguide.annotation.agreement.summary import Summary
    from fieldguide.annotation.label_studio.projects import Project
    from fieldguide.annotation.planning.effort import Estimate
    from fieldguide.annotation.sync.live import Live
    from fieldguide.annotation.sync.pull import Pulled
    from fieldguide.annotation.sync.push import Pushed


@dataclass(frozen=True)
class Planned:
    """What there is to ask: the plan, those of its rows that are new, the log, what a manager should know."""

    plan: pd.DataFrame
    new: pd.DataFrame
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def plan(run: Run, *, dry: bool = False) -> Planned:
    """Plan what the plan does not cover yet; `dry` writes nothing.

    Raises:
        FieldguideError: no pools, guidelines or gold; ProblemsError: they do not fit together.
    """
    from fieldguide.annotation.planning.plan import make_plan

    paths, annotate = run.paths, run.params.annotate
    now, known = desk(paths), subtopics(paths)
    gold = gold_of(run, now)
    made = make_plan(
        POOLS.read(paths.pools), known, annotate, now.guideline.version, gold, now.plan,
        entries=now.entries, compatible=now.compatible,
    )  # fmt: skip
    new = made[~made["page_key"].isin(set(now.plan["page_key"]))]
    if not dry and len(new):
        PLAN.write(paths.asked, made)
    return Planned(made, new, now.entries, tuple(stale_gold(run, gold)))


def pull(run: Run, *, accept_withdrawals: bool = False) -> Pulled:
    """Take over what people gave since the last time.

    Raises:
        FieldguideError: no server, or the log's chain is broken.
    """
    from fieldguide.annotation.sync.pull import pull as pull_all

    client = server(run.paths)
    return pull_all(client, run.paths, run.params, run.track, accept_withdrawals=accept_withdrawals)


def due_pages(run: Run) -> set[str]:
    """The pages that are to be before people now, by their keys; none where nothing is planned."""
    return shown(run, desk(run.paths)) if run.paths.asked.exists() else set()


def push(run: Run) -> Pushed:
    """Put what is due before people. Also takes a plan that a server does not have any more back to it."""
    from fieldguide.annotation.sync.push import push as push_all

    return push_all(server(run.paths), run.paths, run.params, run.track)


def would_push(run: Run) -> Pushed:
    """What `push` would do; changes nothing."""
    from fieldguide.annotation.sync.push import plan_push

    return plan_push(server(run.paths), run.paths, run.params, run.track)


def ask_adjudicator(run: Run, *, partial: bool = False, dry: bool = False) -> pd.DataFrame:
    """Plan for the adjudicator what assessors do not agree on; `partial`: also where some have yet to judge.

    Returns:
        The plan's new rows.

    Raises:
        FieldguideError: params.yaml names no adjudicator.
    """
    from fieldguide.annotation.planning.disputes import disputed

    now = desk(run.paths)
    new = disputed(now.in_force, now.plan, run.params.annotate, partial=partial)
    if not dry and len(new):
        grown = pd.concat([now.plan, new], ignore_index=True)
        PLAN.write(run.paths.asked, grown.sort_values(["assessor", "queue", "position"], ignore_index=True))
    return new


def agreement(run: Run) -> Summary:
    """How far assessors agree, each of them, and how grades are decided: what the stage `adjudicate` writes, now.

    Raises:
        FieldguideError: nobody has judged yet, or the judgments rest on guidelines that do not go together.
    """
    from fieldguide.annotation.agreement.summary import summarise
    from fieldguide.annotation.judgments.adjudication import adjudicate
    from fieldguide.annotation.planning.gold import grades_of

    paths, now = run.paths, desk(run.paths)
    if not now.entries:
        raise FieldguideError(f"{paths.judgments}: nobody has judged yet; see `fieldguide annotate status`")
    known = archived(paths.used_guidelines)
    entries = counting(now.entries, run.params.adjudicate.guideline, known)
    used = guidelines_of(entries, str(paths.judgments), known)
    pools, gold = POOLS.read(paths.pools), grades_of(gold_of(run, now))
    decided = adjudicate(entries, pools, run.params.adjudicate.rule, gold)
    return summarise(entries, decided, used, pools, run.params, gold)


@dataclass(frozen=True)
class Status:
    """How annotation goes.

    Attributes:
        progress: figures of plan and log.
        coverage: of what is asked, what is judged.
        verdicts: how far each subtopic is.
        estimate: hours.
        live: what the server has, None where it was not asked; `offline` says why.
        stale: the qrels rest on another state of the log.
        unplanned: version of the guidelines in force by which nobody is asked yet; None where somebody is.
    """

    progress: Progress
    coverage: Coverage
    verdicts: tuple[Verdict, ...]
    estimate: Estimate
    live: tuple[Live, ...] | None
    offline: str | None
    stale: bool
    unplanned: str | None = None


def status(run: Run) -> Status:
    """Figures of plan and log, and what the server has that was not pulled; reads only.

    Raises:
        FieldguideError: nothing is planned yet, or the log's chain is broken.
    """
    from fieldguide.annotation.agreement.progress import progress
    from fieldguide.annotation.planning.effort import estimate
    from fieldguide.annotation.sync.live import live

    paths, annotate = run.paths, run.params.annotate
    if not paths.asked.exists():
        raise FieldguideError(f"{paths.asked}: no such file, so that nobody was asked; `fieldguide annotate plan`")
    now = desk(paths)
    found, offline = None, None
    try:
        found = tuple(live(server(paths), paths, run.params.release.name, now.entries))
    except FieldguideError as error:
        offline = str(error)
    figures = progress(
        now.plan, now.entries, gold_of(run, now), annotate,
        due=shown(run, now), grades=sorted(now.guideline.grades), guidelines=now.versions,
    )  # fmt: skip
    return Status(
        figures, covered(run, now), tuple(judged_so_far(run, now)),
        estimate(now.plan, now.entries, overlap=annotate.overlap), found, offline, _stale(paths, now.entries),
        None if now.plan["guideline"].isin(list(now.versions)).any() else now.guideline.version,
    )  # fmt: skip


def _stale(paths: Paths, entries: Sequence[Entry]) -> bool:
    """Whether there are qrels of another log than this one."""
    grades = paths.qrels / "grades.json"
    head = entries[-1].hash if entries else None
    return grades.exists() and read_json(grades).get("log", {}).get("head") != head


@dataclass(frozen=True)
class Closed:
    """What was closed, and on which log: number of lines, hash of the last."""

    projects: tuple[Project, ...]
    coverage: Coverage
    lines: int
    head: str | None


def close(run: Run, *, incomplete: bool = False) -> Closed:
    """End the asking: pull all there is, see that nothing is missing, close the projects. Writes nothing else.

    Args:
        run: places, parameters and how progress is shown.
        incomplete: close also where judgments are missing.

    Raises:
        ProblemsError: judgments are missing: how many, of whom.
    """
    from fieldguide.annotation.label_studio import projects

    pulled = pull(run)
    while pulled.appended:  # somebody is still at it
        pulled = pull(run)
    now = desk(run.paths)
    coverage = covered(run, now)
    missing = list(_missing(run, coverage, pulled))
    if missing and not incomplete:
        raise ProblemsError(
            "not closed, judgments are missing; wait for them, or close with --incomplete and go on without:", missing
        )
    client = server(run.paths)
    with_closed = projects.close(client, run.params.release.name)
    return Closed(tuple(with_closed), coverage, len(now.entries), now.entries[-1].hash if now.entries else None)


def _missing(run: Run, coverage: Coverage, pulled: Pulled) -> Iterator[Problem]:
    for share in [*coverage.assessors, *([coverage.adjudicator] if coverage.adjudicator else [])]:
        if share.left:
            yield Problem(share.assessor, f"{share.left} of {share.asked} judgments are missing")
    if pulled.held:
        yield Problem("held", f"{pulled.held} judgments are gone on the server; `fieldguide annotate pull` says which")
    if run.params.annotate.adjudicator is not None:
        disputes = len(ask_adjudicator(run, dry=True))
        if disputes:
            who = run.params.annotate.adjudicator
            yield Problem(
                who, f"{disputes} disputes were never put to the adjudicator; `fieldguide annotate adjudicate`"
            )


def reopen(run: Run) -> list[Project]:
    """Let closed projects get pages again."""
    from fieldguide.annotation.label_studio import projects

    return projects.close(server(run.paths), run.params.release.name, reopen=True)
