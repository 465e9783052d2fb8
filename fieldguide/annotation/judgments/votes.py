"""Votes: which lines of the judgment log count.

The one place that says which line of the log stands for an assessor's opinion of a pair, so that agreement,
adjudication and disputes speak of the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fieldguide.annotation.judgments.log import LogEntry, current

Pair = tuple[str, str]
"""subtopic_id, image_id."""

VotesByPair = Mapping[Pair, Mapping[str, LogEntry]]
"""Votes by pair and assessor, as `votes` gives them."""


def votes(entries: Iterable[LogEntry]) -> dict[Pair, dict[str, LogEntry]]:
    """Each assessor's one vote on each pair, by pair and by assessor, both sorted.

    The vote is the assessor's current judgment in pass 1: later passes ask the same again to measure
    self-consistency, with the earlier answer perhaps still in mind, and give nobody a second voice. (Where pass 1
    was withdrawn, the first pass that holds is the vote.) Of judgments by several versions of the guidelines the
    latest line of the log is the vote. An adjudicator has none: see `rulings`.
    """
    found: dict[Pair, dict[str, LogEntry]] = {}
    for entry in current(entries):
        if entry.role == "assessor":
            by = found.setdefault((entry.subtopic_id, entry.image_id), {})
            other = by.get(entry.assessor)
            if other is None or entry.pass_ <= other.pass_:
                by[entry.assessor] = entry
    return {pair: dict(sorted(by.items())) for pair, by in sorted(found.items())}


def rulings(entries: Iterable[LogEntry]) -> dict[Pair, LogEntry]:
    """The adjudicator's judgment of each pair: of several (asked again in a later pass) the latest line that holds."""
    return {(e.subtopic_id, e.image_id): e for e in current(entries) if e.role == "adjudicator"}


def answer(vote: LogEntry) -> int | str:
    """What a vote says: its grade; where the choice gives none, the choice itself."""
    return vote.grade if vote.grade is not None else str(vote.choice)


def graded(by: Mapping[str, LogEntry]) -> dict[str, int]:
    """The votes that give a grade, by assessor."""
    return {assessor: vote.grade for assessor, vote in by.items() if vote.grade is not None}


def topic_of(subtopic_id: str) -> str:
    """The topic of a subtopic, which is named in its id (records.Topic.subtopics): `t3fa91c2e.e1` is of `t3fa91c2e`."""
    return subtopic_id.rpartition(".")[0] or subtopic_id
