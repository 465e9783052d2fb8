"""How much of what is asked is judged: whether a build goes on, whether annotation can be closed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.planning.pages import still_asked
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.progress.counts import AnswerCounts
from fieldguide.records.plan import ANYBODY, PlanRow


@dataclass(frozen=True)
class PersonCoverage:
    """How many judgments one assessor, or everybody together in a shared project, is asked and has given.

    Attributes:
        asked: what is before people, and what may yet be asked.
        judged: of that.
        later: asked, not judged and not before people yet: a stopping rule may yet spare them.
    """

    assessor: str
    asked: int
    judged: int
    later: int = 0

    @property
    def left(self) -> int:
        """Asked and not judged."""
        return self.asked - self.judged


@dataclass(frozen=True)
class JudgingCoverage:
    """How much of what is asked is judged.

    Attributes:
        assessors: in the order of params.yaml, those who were asked; `anybody` where projects are shared.
        adjudicator: what was asked because assessors disagree; None where nothing was.
        unsure: subtopics of which more may be asked, since no stopping rule has stopped them yet.
        gone: people who were asked and are named in params.yaml no more, by name. What they gave counts, what they did
            not give is asked of others; neither is among the numbers of `assessors`.
    """

    assessors: tuple[PersonCoverage, ...]
    adjudicator: PersonCoverage | None = None
    unsure: int = 0
    gone: tuple[PersonCoverage, ...] = ()

    @property
    def people(self) -> tuple[PersonCoverage, ...]:
        """The assessors, and the adjudicator where anything was asked of them."""
        return (*self.assessors, *([self.adjudicator] if self.adjudicator else []))

    @property
    def asked(self) -> int:
        """Judgments that assessors were asked, and may yet be asked."""
        return sum(share.asked for share in self.assessors)

    @property
    def judged(self) -> int:
        """Judgments that assessors gave of them."""
        return sum(share.judged for share in self.assessors)

    @property
    def left(self) -> int:
        """What everybody has still to judge, the adjudicator too."""
        return sum(person.left for person in self.people)

    def enough(self, share: float) -> bool:
        """Whether assessors have judged that share of what they were asked, and the adjudicator of theirs."""
        if self.judged < share * self.asked:
            return False
        return self.adjudicator is None or self.adjudicator.judged >= share * self.adjudicator.asked

    def lines(self) -> Iterator[str]:
        """The same in words."""
        if self.unsure:
            more = f"; a stopping rule may end {self.unsure} subtopics before all of it is asked"
            yield f"{self.judged} of at most {self.asked} judgments are in{more}"
        else:
            yield f"{self.judged} of {self.asked} judgments are in"
        if self.adjudicator:
            share = self.adjudicator
            yield f"{share.judged} of {share.asked} disputes are decided by {share.assessor}"
        for share in self.gone:
            yield f"{share.assessor} left: {share.judged} of {share.asked} judgments are in and count beside these"


def coverage(
    rows: Iterable[PlanRow],
    entries: Sequence[LogEntry],
    annotate: Annotate,
    guidelines: Collection[str],
    stopped: Collection[str] = (),
    due: Collection[str] | None = None,
    impossible: Collection[tuple[str, str]] = (),
) -> JudgingCoverage:
    """Count what of the plan is in the log.

    What counts as asked: rows of people who are named in params.yaml, under one of `guidelines`. Where a stopping
    rule holds, of a stopped subtopic only what was put before people (`due`); of every other subtopic all rows, since
    the rule may yet ask for them.

    Args:
        rows: the plan.
        entries: the judgment log.
        annotate: section of params.yaml.
        guidelines: versions that count: the one in force, and those with the same choices and grades.
        stopped: subtopics that a stopping rule has stopped.
        due: page_keys that are to be before people now; None: all.
        impossible: (subtopic_id, image_id) that nobody can be asked, since the image cannot be shown.
    """
    answers = AnswerCounts(entries, annotate.overlap)
    asked: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    later: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    given: Counter[str] = Counter()
    unsure = set()
    for row in rows:
        adjudicates = row.purpose == "adjudicate"
        if row.guideline not in guidelines or row.pair in impossible:
            continue
        if not still_asked(row.assessor, row.purpose, annotate):
            gone[row.assessor] += 1
            given[row.assessor] += answers.given(row)
            continue
        if due is not None and row.page_key not in due and not adjudicates:
            if row.subtopic_id in stopped:
                continue
            unsure.add(row.subtopic_id)
            later[row.assessor] += answers.wanted(row) - answers.given(row)
        asked[row.assessor] += answers.wanted(row)
        judged[row.assessor] += answers.given(row)
    shares = [
        PersonCoverage(name, asked[name], judged[name], later[name])
        for name in [*annotate.assessors, ANYBODY]
        if asked[name]
    ]
    decider = annotate.adjudicator
    return JudgingCoverage(
        tuple(shares),
        PersonCoverage(decider, asked[decider], judged[decider]) if decider and asked[decider] else None,
        len(unsure),
        tuple(PersonCoverage(name, gone[name], given[name]) for name in sorted(gone)),
    )
