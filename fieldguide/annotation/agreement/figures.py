"""How annotation goes: the figures of `fieldguide annotate status`, from plan and log. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from fieldguide.annotation.agreement.agreement import Alphas, alphas_of
from fieldguide.annotation.agreement.flags import Flag, flags
from fieldguide.annotation.agreement.individuals import Proportion, gold_share, repeat_share
from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.annotation.judgments.votes import Pair, VotesByPair, rulings, topic_of, votes
from fieldguide.annotation.planning.pages import still_asked
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.progress.counts import AnswerCounts
from fieldguide.core.grouping import grouped
from fieldguide.records.plan import ANYBODY, PlanRow, plan_rows

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Work:
    """Numbers of judgments.

    Attributes:
        planned: in the plan, whether or not a stopping rule has asked for them yet; of people who left, what they gave.
        asked: of these, to be judged now, or judged.
        done: of these, judged, and in the log.
    """

    planned: int
    asked: int
    done: int

    @property
    def left(self) -> int:
        """Asked and not judged."""
        return self.asked - self.done


@dataclass(frozen=True)
class Person:
    """One assessor, the adjudicator, or `anybody`: what is asked in a shared project, whoever judges it.

    Attributes:
        work: of the plan; None for a person in a shared project, where nobody is asked by name.
        judged: current judgments in the log.
        not_pulled: on the server and not in the log; None where the server was not asked.
        seconds: median of a judgment; None where no time is known.
        agreement: of the images that the assessor judged, with whoever judged them too.
        gold: votes with the known grade.
        repeats: images asked again that got the same answer.
    """

    name: str
    work: Work | None
    judged: int
    not_pulled: int | None
    seconds: float | None
    agreement: Alphas
    gold: Proportion
    repeats: Proportion
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class TopicFigures:
    """One topic, over all assessors; `cells`: each assessor's work on it."""

    topic_id: str
    work: Work
    seconds: float | None
    agreement: Alphas
    gold: Proportion
    cells: Mapping[str, Work]


@dataclass(frozen=True)
class AnnotationFigures:
    """People in the order of params.yaml, then who left, then the adjudicator; topics by id."""

    work: Work
    people: tuple[Person, ...]
    topics: tuple[TopicFigures, ...]
    agreement: Alphas


def figures_of(
    plan: pd.DataFrame,
    entries: Iterable[LogEntry],
    gold: Mapping[Pair, int],
    annotate: Annotate,
    *,
    due: Collection[str] | None = None,
    not_pulled: Mapping[str, int] | None = None,
    grades: Sequence[int] = (0, 1, 2),
    guidelines: Collection[str] | None = None,
    draws: int = 200,
) -> AnnotationFigures:
    """The figures of all that is planned and judged so far.

    Args:
        plan: records.plan.PLAN.
        entries: the judgment log; judgments by guidelines that the plan does not ask by are left out.
        gold: known grades.
        annotate: section of params.yaml.
        due: keys of pages that are before people now; None: the whole plan.
        not_pulled: judgments on the server that the log does not have, by assessor.
        grades: of the guideline in force.
        guidelines: versions that count; None: all of the plan.
        draws: bootstrap resamples of the agreement's intervals, seeded by annotate.seed.
    """
    rows = [row for row in plan_rows(plan) if guidelines is None or row.guideline in guidelines]
    versions = {row.guideline for row in rows}
    lines = [entry for entry in entries if entry.guideline in versions]
    found = _Lookups(rows, lines, gold, annotate, due, draws)
    topics = sorted({topic_of(row.subtopic_id) for row in rows})
    return AnnotationFigures(
        work=found.work(row for row in rows if row.purpose != "adjudicate"),
        people=tuple(found.person(name, not_pulled, grades) for name in found.names()),
        topics=tuple(found.topic(topic) for topic in topics),
        agreement=found.alphas(found.said),
    )


class _Lookups:
    """Plan and log, looked up in the ways that the figures need."""

    def __init__(
        self,
        rows: Sequence[PlanRow],
        lines: Sequence[LogEntry],
        gold: Mapping[Pair, int],
        annotate: Annotate,
        due: Collection[str] | None,
        draws: int,
    ) -> None:
        self.rows, self.gold, self.annotate, self.due, self.draws = rows, gold, annotate, due, draws
        self.said: VotesByPair = votes(lines)
        self.ruled = {pair: entry.grade for pair, entry in rulings(lines).items() if entry.grade is not None}
        self.answers = AnswerCounts(lines, annotate.overlap)
        now = current(lines)
        self.current = grouped((entry.assessor, entry) for entry in now)
        timed = [(entry, entry.seconds) for entry in now if entry.seconds is not None]
        self.seconds = grouped((entry.assessor, seconds) for entry, seconds in timed)
        self.seconds_of = grouped((topic_of(entry.subtopic_id), seconds) for entry, seconds in timed)
        self.by_name = grouped((row.assessor, row) for row in rows)
        self.by_topic = grouped((topic_of(row.subtopic_id), row) for row in rows)
        self.said_of = grouped((topic_of(pair[0]), (pair, by)) for pair, by in self.said.items())

    def names(self) -> list[str]:
        """Everybody who was asked or has judged."""
        there = {*self.by_name, *self.current}
        first = [name for name in self.annotate.assessors if name in there]
        adjudicator = [name for name in (self.annotate.adjudicator,) if name in there]
        others = sorted(there - {*first, *adjudicator, ANYBODY})
        return [*first, *([ANYBODY] if ANYBODY in there else []), *others, *[str(name) for name in adjudicator]]

    def work(self, rows: Iterable[PlanRow]) -> Work:
        planned = asked = done = 0
        for row in rows:
            answered = self.answers.given(row)
            wanted = self.answers.wanted(row) if self._asks(row) else answered
            planned += wanted
            done += answered
            asked += wanted if self.due is None or row.page_key in self.due else answered
        return Work(planned, asked, done)

    def _asks(self, row: PlanRow) -> bool:
        return still_asked(row.assessor, row.purpose, self.annotate)

    def person(self, name: str, not_pulled: Mapping[str, int] | None, grades: Sequence[int]) -> Person:
        own = {pair: by for pair, by in self.said.items() if name in by}
        votes_of = {pair: by[name] for pair, by in own.items()}
        times = self.seconds.get(name, [])
        return Person(
            name=name,
            work=self.work(self.by_name[name]) if name in self.by_name else None,
            judged=len(self.current.get(name, [])),
            not_pulled=None if not_pulled is None else not_pulled.get(name, 0),
            seconds=median(times) if times else None,
            agreement=self.alphas(own),
            gold=gold_share({pair: {name: vote} for pair, vote in votes_of.items()}, self.gold, CONFIDENCE),
            repeats=repeat_share(self.current.get(name, []), votes_of, CONFIDENCE),
            flags=flags(name, self.said, self.seconds, self.gold, grades, self.ruled) if own else (),
        )

    def topic(self, topic: str) -> TopicFigures:
        rows = [row for row in self.by_topic[topic] if row.purpose != "adjudicate"]
        times = self.seconds_of.get(topic, [])
        said = dict(self.said_of.get(topic, ()))
        names = sorted({row.assessor for row in rows})
        return TopicFigures(
            topic_id=topic,
            work=self.work(rows),
            seconds=median(times) if times else None,
            agreement=self.alphas(said),
            gold=gold_share(said, self.gold, CONFIDENCE),
            cells={name: self.work(row for row in rows if row.assessor == name) for name in names},
        )

    def alphas(self, said: VotesByPair) -> Alphas:
        return alphas_of(said, CONFIDENCE, self.draws, self.annotate.seed)
