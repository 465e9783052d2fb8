"""Training: images of known grade that an assessor judges first, and is told at once what was right."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fieldguide.annotation.agreement.flags import gold_failed
from fieldguide.annotation.correspondence.log import Line, TrainingAnswer
from fieldguide.annotation.judgments.guidelines import Guideline
from fieldguide.annotation.judgments.log import LogEntry
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.gold import read_known
from fieldguide.annotation.planning.section import GRID, TrainingRounds
from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.grouping import grouped


@dataclass(frozen=True)
class TrainingImage:
    """One image, its grade, and why it has it."""

    subtopic_id: str
    image_id: str
    grade: int
    why: str

    @property
    def pair(self) -> Pair:
        """Subtopic and image."""
        return self.subtopic_id, self.image_id


@dataclass(frozen=True)
class TrainingState:
    """How far one person is.

    Attributes:
        round: the one under way, or the last, from 1.
        answered: pairs of it that are answered.
        right: of these.
        passed: nothing is to be done.
        held: all rounds were tried; the manager is to be asked.
        again: it is asked again, since gold among real pages was failed.
    """

    round: int
    answered: frozenset[Pair]
    right: int
    passed: bool
    held: bool
    again: bool = False


def read_training(
    path: Path, guideline: Guideline, gold: Iterable[Pair], subtopics: Collection[str], images: Iterable[str]
) -> tuple[TrainingImage, ...]:
    """The images of a CSV with subtopic_id, image_id, grade and why, in its order.

    Raises:
        FieldguideError: no such file, or not such a file.
        ProblemsError: rows that do not fit, or are gold too; all of them, by line.
    """
    rows = read_known(path, guideline, why=True)
    if not rows:
        raise FieldguideError(f"{path}: holds no image; add rows, or set annotate.training to null")
    hidden, there = set(gold), set(images)
    found = tuple(TrainingImage(*pair, grade, why) for pair, (grade, why) in rows.items())
    both = [Problem(f"{i.image_id} for {i.subtopic_id}", "is among the gold too") for i in found if i.pair in hidden]
    if both:
        raise ProblemsError(f"{path}: whoever was told the answer proves nothing by giving it:", both)
    lost = [
        Problem(f"{i.image_id} for {i.subtopic_id}", "is of no subtopic of the topics or no image of the corpus")
        for i in found
        if i.subtopic_id not in subtopics or i.image_id not in there
    ]
    if lost:
        raise ProblemsError(f"{path}: nobody can be shown", lost)
    return found


def state_of(
    person: str,
    images: Sequence[TrainingImage],
    section: TrainingRounds,
    lines: Iterable[Line],
    judged: Iterable[LogEntry],
    gold: Mapping[Pair, int],
    guideline: Guideline,
) -> TrainingState:
    """How far a person is, from what was said and what was judged.

    Args:
        person: whose.
        images: of the training.
        section: of params.yaml.
        lines: correspondence.jsonl.
        judged: the person's judgments in the log.
        gold: known grades that are hidden among real pages.
        guideline: in force.
    """
    said = [line.said for line in lines if isinstance(line.said, TrainingAnswer) and line.said.by == person]
    rounds = grouped((one.round, one) for one in said)
    wanted = {image.pair for image in images}
    passed_at, tried, number = "", 0, 1
    for number, answers in sorted(rounds.items()):
        latest = {(one.subtopic_id, one.image_id): one for one in answers if (one.subtopic_id, one.image_id) in wanted}
        if set(latest) < wanted:
            right = sum(one.right for one in latest.values())
            return TrainingState(number, frozenset(latest), right, passed=False, held=False, again=bool(passed_at))
        share = sum(one.right for one in latest.values()) / len(wanted)
        tried += 1
        if share >= section.pass_mark:
            passed_at, tried = max(one.at for one in answers), 0
    if passed_at:
        since = [e for e in judged if e.judged_at is not None and _later(e.judged_at, passed_at)]
        if tried == 0 and gold_failed(since, gold, sorted(guideline.grades)) is None:
            return TrainingState(number, frozenset(wanted), 0, passed=True, held=False)
    if tried >= section.rounds:
        return TrainingState(number, frozenset(), 0, passed=False, held=True, again=bool(passed_at))
    return TrainingState(number + bool(rounds), frozenset(), 0, passed=False, held=False, again=bool(passed_at))


def pages_of(images: Iterable[TrainingImage]) -> list[tuple[TrainingImage, ...]]:
    """Pages of a round: images of one subtopic together, at most a grid's."""
    pages = []
    for group in grouped((image.subtopic_id, image) for image in images).values():
        pages += [tuple(group[start : start + GRID]) for start in range(0, len(group), GRID)]
    return pages


def _later(time: str, other: str) -> bool:
    from datetime import datetime

    return datetime.fromisoformat(time) > datetime.fromisoformat(other)
