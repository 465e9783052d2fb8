"""Answerers with known habits, as another package would offer them. They look at the reference, as no real one may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fieldguide.answering.answerers.registry import ANSWERERS
from fieldguide.answering.answerers.section import GROUP
from fieldguide.answering.question import Answered, Question
from fieldguide.models.loading.protocols import Refused

Habit = Callable[[Question], "bool | None"]
"""Whether it answers rightly; None where it abstains."""


def knows(_: Question) -> bool | None:
    """Answers rightly whatever it is shown."""
    return True


def guesses(question: Question) -> bool | None:
    """Right for half of the topics, whatever it is shown."""
    return int(question.topic.topic_id[1:], 16) % 2 == 0


def looks(question: Question) -> bool | None:
    """Right where each entity is shown by something relevant, wrong where nothing is shown, else it abstains."""
    if not question.shown:
        return False
    return True if all(any(s.relevant for s in entity.shown) for entity in question.entities) else None


def honest(question: Question) -> bool | None:
    """The same, but without images it abstains too."""
    return looks(question) if question.shown else None


def trusts_last(question: Question) -> bool | None:
    """Right where the last image of each entity is relevant."""
    return all(entity.shown and bool(entity.shown[-1].relevant) for entity in question.entities)


def mixes_up(question: Question) -> bool | None:
    """Right where the images are of the named entities, whosoever they are said to be."""
    return bool(question.shown) and all(str(s.key) in GOLD for s in question.shown)


GOLD: set[str] = set()
"""Image_ids that any entity of a topic has as relevant; a test fills it."""
HABITS: dict[str, Habit] = {
    habit.__name__.replace("_", "-"): habit for habit in (knows, guesses, looks, honest, trusts_last, mixes_up)
}


class Planted:
    """An answerer with a habit."""

    keeps = True
    revision = "planted"

    def __init__(self, name: str, habit: Habit) -> None:
        self.name, self._habit = name, habit

    def answer(self, questions: Sequence[Question]) -> list[Answered | Refused]:
        return [self._one(question) for question in questions]

    def _one(self, question: Question) -> Answered:
        right, topic = self._habit(question), question.topic
        if right is None:
            return Answered("### Answer\nI cannot tell.")
        if topic.form == "both":
            return Answered("yes" if (topic.answer == "yes") == right else "no")
        names = [entity.name for entity in question.entities]
        return Answered(topic.answer if right else next(name for name in sorted(names) if name != topic.answer))


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer the habits as kinds of answerers, as an installed package does."""
    ANSWERERS.names()  # our own kinds register once a process: before the copy, not into it
    monkeypatch.setattr(ANSWERERS, "_kinds", dict(ANSWERERS._kinds))
    for kind, habit in HABITS.items():

        def build(name: str, spec: Any, root: Path, habit: Habit = habit) -> Planted:
            return Planted(name, habit)

        ANSWERERS.register(kind, modules=(), files={})(build)
    info = folder / "planted-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    points = "".join(f"{kind} = tests.answering.planted\n" for kind in HABITS)
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}")
    monkeypatch.syspath_prepend(folder)
