"""What stands beside the counts: the images behind a flag, disputes, rounds of training. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from fieldguide.annotation.agreement.figures import Person
from fieldguide.annotation.agreement.flags import Flag
from fieldguide.annotation.correspondence.log import Line, TrainingAnswer
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import Pair, VotesByPair, answer, topic_of
from fieldguide.annotation.planning.disputes import needs_ruling
from fieldguide.core.grouping import grouped

BEHIND = 8
"""Images shown of a flag."""


@dataclass(frozen=True)
class EvidenceImage:
    """An image behind a flag: what the person chose, and `beside` it what gold, the others or the clock say."""

    subtopic_id: str
    image_id: str
    choice: str
    beside: str


@dataclass(frozen=True)
class RaisedFlag:
    """A flag of one person, with the latest images that speak for it."""

    person: str
    flag: Flag
    images: tuple[EvidenceImage, ...]


@dataclass(frozen=True)
class TopicDisputes:
    """Images of one topic on which people differ or cannot tell: still open, and ruled on by the adjudicator."""

    topic_id: str
    open: int
    settled: int


@dataclass(frozen=True)
class TrainingRound:
    """How one person did in one round of training."""

    person: str
    round: int
    answered: int
    right: int


def raised(people: Iterable[Person], said: VotesByPair, gold: Mapping[Pair, int]) -> list[RaisedFlag]:
    """Everybody's flags: with wrong gold, the fastest answers, or what others saw otherwise."""
    return [
        RaisedFlag(person.name, flag, tuple(_behind(person.name, flag, said, gold)))
        for person in people
        for flag in person.flags
    ]


def _behind(name: str, flag: Flag, said: VotesByPair, gold: Mapping[Pair, int]) -> list[EvidenceImage]:
    own = sorted(((by[name], pair) for pair, by in said.items() if name in by), key=lambda one: -one[0].seq)
    if flag.kind == "too fast":
        timed = sorted((vote.seconds, -vote.seq, pair, vote) for vote, pair in own if vote.seconds is not None)
        found = [(pair, vote, f"{seconds:.2f} s") for seconds, _, pair, vote in timed]
    elif flag.kind == "gold failed" or flag.evidence.startswith("gold"):
        wrong = [(pair, vote) for vote, pair in own if pair in gold and vote.grade != gold[pair]]
        found = [(pair, vote, f"gold: {gold[pair]}") for pair, vote in wrong]
    else:
        found = [(pair, vote, words) for vote, pair in own if (words := _otherwise(name, said[pair]))]
    return [EvidenceImage(*pair, str(vote.choice), words) for pair, vote, words in found[:BEHIND]]


def _otherwise(name: str, by: Mapping[str, LogEntry]) -> str:
    """What the others say where any of them says something else; else nothing."""
    others = [vote for other, vote in by.items() if other != name]
    if all(answer(vote) == answer(by[name]) for vote in others):
        return ""
    counts = Counter(str(vote.choice) for vote in others)
    return "others: " + ", ".join(f"{choice} × {count}" for choice, count in sorted(counts.items()))


def disputes(said: VotesByPair, ruled: Container[Pair]) -> list[TopicDisputes]:
    """Topics with any, by id. An image is settled once the adjudicator has ruled on it."""
    found = grouped((topic_of(pair[0]), pair in ruled) for pair, by in said.items() if needs_ruling(by))
    return [TopicDisputes(topic, done.count(False), done.count(True)) for topic, done in sorted(found.items())]


def training_rounds(lines: Iterable[Line]) -> list[TrainingRound]:
    """By person and round; of an image that was answered twice in a round the last answer counts."""
    latest: dict[tuple[str, int], dict[Pair, bool]] = {}
    for line in lines:
        if isinstance(line.said, TrainingAnswer):
            answers = latest.setdefault((line.said.by, line.said.round), {})
            answers[line.said.subtopic_id, line.said.image_id] = line.said.right
    return [TrainingRound(*key, len(answers), sum(answers.values())) for key, answers in sorted(latest.items())]
