"""What the pages know at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from fieldguide.annotation.correspondence.log import AssessorQuestion, Line, QuestionReply, RulingReason
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.serving.board import PageBoard
from fieldguide.annotation.serving.training import TrainingImage
from fieldguide.annotation.serving.views import PageViews


@dataclass(frozen=True)
class ServingState:
    """All that is known at one moment. Replaced as a whole, so that whoever reads it sees one moment."""

    board: PageBoard
    lines: tuple[Line, ...]
    training: tuple[TrainingImage, ...]
    views: PageViews
    read_at: datetime

    @cached_property
    def today(self) -> Mapping[str, frozenset[str]]:
        """Pages in the log that were judged on the day of `read_at`, in local time, by person."""
        day = self.read_at.astimezone().date()
        found: dict[str, set[str]] = {}
        for (person, key), entries in self.board.judged.items():
            times = [datetime.fromisoformat(e.judged_at) for e in entries if e.judged_at is not None]
            if any(time.astimezone().date() == day for time in times):
                found.setdefault(person, set()).add(key)
        return {person: frozenset(keys) for person, keys in found.items()}

    @cached_property
    def shown(self) -> Mapping[str, frozenset[str]]:
        """Images that each person may see: those of the own pages, of training, references and examples."""
        now = self.board.now
        everybody = {i.image_id for i in self.training} | {r.image_id for r in examples(self.lines)}
        found: dict[str, set[str]] = {}
        for page in now.pages.values():
            seen = found.setdefault(page.rows[0].assessor, set())
            seen |= {row.image_id for row in page.rows}
        references = {i for s in now.subtopics.values() for i in self.views.references(s.entity_id)}
        return {name: frozenset(seen | everybody | references) for name, seen in found.items()} | {
            "": frozenset(everybody | references)
        }


def examples(lines: Iterable[Line]) -> Iterator[RulingReason]:
    """Rulings that the adjudicator wants everybody to see, the latest of each pair."""
    found: dict[Pair, RulingReason] = {}
    for line in lines:
        if isinstance(line.said, RulingReason):
            found[line.said.subtopic_id, line.said.image_id] = line.said
    yield from (reason for reason in found.values() if reason.example)


def replies_to(lines: Iterable[Line], person: str) -> list[Line]:
    """Replies to a person's questions."""
    mine: set[int] = set()
    found = []
    for line in lines:
        if isinstance(line.said, AssessorQuestion) and line.said.by == person:
            mine.add(line.seq)
        elif isinstance(line.said, QuestionReply) and line.said.question in mine:
            found.append(line)
    return found
