"""What the commands of `fieldguide annotate` do, in the order in which a manager needs them.

Whoever calls what writes (all but what is dry) holds `lock.judgments_locked`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.label_studio import projects
from fieldguide.annotation.label_studio.accounts import read_accounts, require_people
from fieldguide.annotation.label_studio.client import connect, speaking
from fieldguide.annotation.planning.disputes import disputed
from fieldguide.annotation.planning.gold import unknown_gold
from fieldguide.annotation.planning.plan import make_plan
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.progress.choice import SubtopicCost, costs_of
from fieldguide.annotation.progress.coverage import JudgingCoverage
from fieldguide.annotation.progress.effort import Pace
from fieldguide.annotation.progress.snapshot import Snapshot, read_snapshot
from fieldguide.annotation.sync.pull import Pulled, pull
from fieldguide.annotation.sync.push import Pushed, plan_push, push
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.plan import PLAN

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio


@dataclass(frozen=True)
class Planned:
    """What there is to ask: the plan, those of its rows that are new, the log, what a manager should know."""

    plan: pd.DataFrame
    new: pd.DataFrame
    entries: tuple[LogEntry, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Closed:
    """What was closed, and on which log: number of lines, hash of the last."""

    projects: tuple[projects.Project, ...]
    coverage: JudgingCoverage
    lines: int
    head: str | None


@dataclass(frozen=True)
class Annotation:
    """The annotation of one benchmark.

    Attributes:
        annotate: section of params.yaml.
        benchmark: its name, params.release.name, by which its projects are known on the server.
        track: shows how far long work is.
        excluded: adjudicate.excluded of params.yaml: reasons by name.
    """

    paths: Paths
    annotate: Annotate
    benchmark: str
    track: Track = silent
    excluded: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> Annotate:
        """The section, without people who are excluded."""
        return self.annotate.without(self.excluded)

    def now(self) -> Snapshot:
        """Plan and log as they are."""
        return read_snapshot(self.paths, self.annotate, self.excluded)

    def server(self) -> LabelStudio:
        """A client of the annotation server, as its manager.

        Raises:
            FieldguideError: no server is known, or it has no account for this.
        """
        return connect(read_accounts(self.paths))

    def plan(self, *, dry: bool = False) -> Planned:
        """Plan what the plan does not cover yet; `dry` writes nothing.

        Raises:
            FieldguideError: no pools, guidelines or gold; ProblemsError: they do not fit together.
        """
        pools, now = self._pools(), self.now()
        made = make_plan(
            pools, now.subtopics, now.annotate, now.guideline.version, now.gold, now.plan,
            entries=now.counted, compatible=now.versions,
        )  # fmt: skip
        new = made[~made["page_key"].isin(set(now.plan["page_key"]))]
        if not dry and len(new):
            PLAN.write(self.paths.asked, made)
        lost = []
        if now.gold:
            lost = unknown_gold(now.gold, now.subtopics, IMAGES.read(self.paths.images, ["image_id"])["image_id"])
        return Planned(made, new, now.entries, tuple(f"{self.annotate.gold}: {note}" for note in lost))

    def costs(self) -> tuple[list[SubtopicCost], Pace]:
        """What each subtopic would cost, and the pace that its hours rest on; nothing need be planned.

        Raises:
            FieldguideError: no pools, topics or guidelines.
        """
        pools, now = self._pools(), self.now()
        table = ENTITIES.read(self.paths.entities)
        names = dict(zip(table["entity_id"], table["name"], strict=True))
        return costs_of(pools, now.subtopics, names, now.in_force, self.annotate)

    def _pools(self) -> pd.DataFrame:
        if not self.paths.pools.exists():
            raise FieldguideError(
                f"{self.paths.pools}: no such file, so that there is nothing to judge; `dvc repro pool` makes it"
            )
        return POOLS.read(self.paths.pools)

    def pull(self, *, accept_withdrawals: bool = False) -> Pulled:
        """Take over what people gave since the last time.

        Raises:
            FieldguideError: no server, or the log's chain is broken.
        """
        return pull(
            self.server(), self.paths, self.annotate, self.benchmark, self.track,
            accept_withdrawals=accept_withdrawals,
        )  # fmt: skip

    def newly_due(self, pulled: Pulled) -> int:
        """How many pages have become due by what a pull has just appended to the log."""
        now = self.now()
        before = replace(now, entries=now.entries[: len(now.entries) - pulled.appended])
        return len(now.due - before.due)

    def push(self, *, dry: bool = False) -> Pushed:
        """Put before people what is due, also on a server that lost it; `dry` says what it would do.

        Raises:
            UnknownPeopleError: params.yaml asks people who are nobody on the server; else as `sync.push.push`.
        """
        accounts = read_accounts(self.paths)
        client = connect(accounts)
        with speaking(accounts.url):
            require_people(client, accounts, self.asked.people)
        send = plan_push if dry else push
        return send(client, self.paths, self.annotate, self.benchmark, self.track, excluded=self.excluded)

    def ask_adjudicator(self, *, partial: bool = False, dry: bool = False) -> pd.DataFrame:
        """Plan for the adjudicator what assessors do not agree on; `partial`: also where some have yet to judge.

        Returns:
            The plan's new rows.

        Raises:
            FieldguideError: params.yaml names no adjudicator.
        """
        now = self.now()
        new = disputed(now.in_force, now.plan, now.annotate, partial=partial)
        if not dry and len(new):
            grown = pd.concat([now.plan, new], ignore_index=True)
            PLAN.write(self.paths.asked, grown.sort_values(["assessor", "queue", "position"], ignore_index=True))
        return new

    def close(self, *, incomplete: bool = False) -> Closed:
        """End the asking: pull all there is, see that nothing is missing, close the projects.

        Args:
            incomplete: close also where judgments are missing.

        Raises:
            ProblemsError: judgments are missing: how many, of whom.
        """
        pulled = self.pull()
        while pulled.appended:  # somebody is still at it
            pulled = self.pull()
        now = self.now()
        missing = list(self._missing(now.coverage, pulled))
        if missing and not incomplete:
            raise ProblemsError(
                "not closed, judgments are missing; wait for them, or close with --incomplete and go on without:",
                missing,
            )
        closed = projects.close(self.server(), self.benchmark)
        return Closed(tuple(closed), now.coverage, len(now.entries), now.entries[-1].hash if now.entries else None)

    def reopen(self) -> list[projects.Project]:
        """Let closed projects get pages again."""
        return projects.close(self.server(), self.benchmark, reopen=True)

    def _missing(self, coverage: JudgingCoverage, pulled: Pulled) -> Iterator[Problem]:
        for person in coverage.people:
            if person.left:
                yield Problem(person.assessor, f"{person.left} of {person.asked} judgments are missing")
        if pulled.held:
            what = f"{pulled.held} judgments are gone on the server; `fieldguide annotate pull` says which"
            yield Problem("held", what)
        who = self.asked.adjudicator
        disputes = len(self.ask_adjudicator(dry=True)) if who else 0
        if who and disputes:
            what = f"{disputes} disputes were never put to the adjudicator; `fieldguide annotate adjudicate`"
            yield Problem(who, what)
