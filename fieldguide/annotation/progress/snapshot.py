"""Plan, log and guidelines as they are now, and what follows from them: the one place that says what is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.excluding import ExcludedPerson, excluded_people, without
from fieldguide.annotation.judgments.guidelines import Guideline, archived, interchangeable, read_guideline
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.gold import read_gold
from fieldguide.annotation.planning.pages import Mark, PlanPage, pages_of, still_asked
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.progress.counts import AnswerCounts
from fieldguide.annotation.progress.coverage import JudgingCoverage, coverage
from fieldguide.annotation.progress.excluded_images import excluded_pairs, read_excluded
from fieldguide.annotation.progress.stopping import PlanAndLog, StoppingVerdict, due, verdicts
from fieldguide.core.paths import Paths
from fieldguide.records.judgments import POOLS
from fieldguide.records.plan import PLAN, PlanRow, plan_rows
from fieldguide.records.topics import Subtopic, read_topics


@dataclass(frozen=True)
class Snapshot:
    """Plan, log and guidelines as they were read at one moment.

    Attributes:
        plan: records.plan.PLAN.
        entries: the judgment log's lines.
        guideline: the one in force.
        guidelines: all that anybody was asked by, and the one in force, by version.
        impossible: why nobody can be asked about a pair: its image cannot be shown.
        excluded: people whose judgments count for nothing; `annotate` asks none of them.
    """

    paths: Paths
    annotate: Annotate
    plan: pd.DataFrame
    entries: tuple[LogEntry, ...]
    guideline: Guideline
    guidelines: Mapping[str, Guideline]
    impossible: Mapping[Pair, str]
    excluded: tuple[ExcludedPerson, ...] = ()

    @cached_property
    def versions(self) -> frozenset[str]:
        """Guidelines whose judgments count together: the one in force, and those with the same choices and grades."""
        return interchangeable(self.guideline, self.guidelines)

    @cached_property
    def counted(self) -> list[LogEntry]:
        """The log's lines that count: those of nobody excluded."""
        return without(self.entries, self._excluded)

    @property
    def in_force(self) -> tuple[LogEntry, ...]:
        """The judgments by these that count."""
        return tuple(entry for entry in self.counted if entry.guideline in self.versions)

    @cached_property
    def rows(self) -> list[PlanRow]:
        """The plan's rows."""
        return plan_rows(self.plan)

    @cached_property
    def pages(self) -> dict[str, PlanPage]:
        """The plan's pages by key."""
        return pages_of(self.rows)

    @cached_property
    def due(self) -> set[str]:
        """Keys of the pages that are to be before people now."""
        return due(self._asked)

    @cached_property
    def done(self) -> set[str]:
        """Keys of the pages of which the log holds every judgment that was asked for and can be given."""
        answers = AnswerCounts(self.counted, self.annotate.overlap)
        return {
            key
            for key, page in self.pages.items()
            if all(answers.complete(row) for row in page.rows if row.pair not in self.impossible)
        }

    def slot(self, mark: Mark) -> Mark:
        """What a project is for as things are: one by the guidelines in force serves all versions that go with it."""
        assessor, group, version = mark
        return assessor, group, self.guideline.version if version in self.versions else version

    def asks(self, mark: Mark) -> bool:
        """Whether the pages of a project are still asked of its assessor: False where that person left."""
        return still_asked(mark[0], mark[1], self.annotate)

    @cached_property
    def verdicts(self) -> list[StoppingVerdict]:
        """How far the judging of each subtopic is."""
        return verdicts(self._asked)

    @cached_property
    def coverage(self) -> JudgingCoverage:
        """How much of what is asked is judged."""
        stopped = {verdict.subtopic_id for verdict in self.verdicts if verdict.stopped}
        rows = [row for row in self.rows if row.assessor not in self._excluded]
        return coverage(rows, self.counted, self.annotate, self.versions, stopped, self.due, self.impossible)

    @cached_property
    def gold(self) -> dict[Pair, int]:
        """Known grades; none where params.yaml names no file of them."""
        given = self.annotate.gold
        return read_gold(self.paths.root / given, self.guideline) if given else {}

    @cached_property
    def subtopics(self) -> dict[str, Subtopic]:
        """All subtopics by id."""
        return {s.subtopic_id: s for topic in read_topics(self.paths.topics) for s in topic.subtopics}

    @cached_property
    def _excluded(self) -> frozenset[str]:
        return frozenset(one.assessor for one in self.excluded)

    @cached_property
    def _asked(self) -> PlanAndLog:
        annotate, pools = self.annotate, self.paths.pools
        return PlanAndLog(
            self.plan, self.counted, annotate.stopping, POOLS.read(pools) if pools.exists() else None,
            overlap=annotate.overlap, assessors=annotate.assessors, adjudicator=annotate.adjudicator or "",
            guidelines=self.versions, impossible=self.impossible,
        )  # fmt: skip


def read_snapshot(paths: Paths, annotate: Annotate, excluded: Mapping[str, str] = {}) -> Snapshot:
    """Read plan and log; both may be missing. `excluded`: adjudicate.excluded of params.yaml.

    Raises:
        FieldguideError: the log's chain is broken, the plan is no plan, or the guidelines are not valid; too few people
            are left beside those excluded. ProblemsError: people are excluded whom nobody knows.
    """
    entries = log.read(paths.judgments).entries if paths.judgments.exists() else ()
    people = excluded_people(excluded, entries, annotate.people)
    guideline = read_guideline(paths.annotation / "guidelines.md")
    plan = PLAN.read(paths.asked) if paths.asked.exists() else PLAN.frame([])
    return Snapshot(
        paths=paths,
        annotate=annotate.without(excluded),
        plan=plan,
        entries=entries,
        guideline=guideline,
        guidelines=archived(paths.used_guidelines) | {guideline.version: guideline},
        impossible=excluded_pairs(plan, read_excluded(paths.unshowable)),
        excluded=people,
    )
