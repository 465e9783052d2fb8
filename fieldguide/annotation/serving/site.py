"""What the pages of assessors do: say what is next, take answers, questions and training, show rulings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fieldguide.annotation.correspondence import log as correspondence
from fieldguide.annotation.correspondence.log import AssessorQuestion, RulingReason, Said, TrainingAnswer
from fieldguide.annotation.form.images import CannotShowError
from fieldguide.annotation.label_studio.accounts import Accounts
from fieldguide.annotation.lock import judgments_locked
from fieldguide.annotation.manager import Annotation
from fieldguide.annotation.planning.pages import PlanPage
from fieldguide.annotation.serving import training
from fieldguide.annotation.serving.board import read_board
from fieldguide.annotation.serving.given import RefusedError, choices_of_page, seconds_of, text_of
from fieldguide.annotation.serving.posting import Posting
from fieldguide.annotation.serving.state import ServingState, replies_to
from fieldguide.annotation.serving.training import TrainingImage, TrainingState
from fieldguide.annotation.serving.views import PageViews
from fieldguide.annotation.serving.visitors import Visitor
from fieldguide.annotation.sync.push_inputs import PushInputs
from fieldguide.records.images import IMAGES
from fieldguide.records.plan import PlanRow

MOST_QUESTIONS = 500
"""Of one person, open at once: more are no questions."""


@dataclass
class Site:
    """The pages of one benchmark. Methods may be called by several threads at once.

    Attributes:
        annotation: plan, log and server.
        accounts: with the tokens of everybody.
        clock: says what time it is, with an offset.
        looking: a look of this process is under way.
    """

    annotation: Annotation
    accounts: Accounts
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    looking: bool = False
    _given: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.posting = Posting(self.accounts)
        self.state = self._read()

    def refresh(self, annotation: Annotation | None = None, accounts: Accounts | None = None) -> None:
        """Read plan, log and server again; `annotation` and `accounts` where params.yaml or people have changed.

        Raises:
            FieldguideError: they cannot be read; what was known stays.
        """
        self.annotation = annotation or self.annotation
        if accounts is not None and accounts != self.accounts:
            self.accounts, self.posting = accounts, Posting(accounts)
        state = self._read()
        with self._lock:
            self.state = state
            self._given = {key: at for key, at in self._given.items() if at >= state.read_at}

    @property
    def held(self) -> list[str]:
        """Assessors who have used up their rounds of training."""
        people = [Visitor(name, "assessor") for name in self.annotation.annotate.assessors]
        return [one.name for one in people if (state := self._training(one)) is not None and state.held]

    @property
    def unread(self) -> int:
        """Answers that were taken since the last refresh."""
        return len(self._given)

    def _read(self) -> ServingState:
        read_at = self.clock()
        now, params = self.annotation.now(), self.annotation.annotate
        names = {a.user_id: name for name, a in self.accounts.people.items() if a.user_id is not None}
        board = read_board(now, self.annotation.server(), self.annotation.benchmark, names)
        images: tuple[TrainingImage, ...] = ()
        if params.training is not None:
            images = training.read_training(
                self.annotation.paths.root / params.training.images, now.guideline, now.gold, now.subtopics,
                IMAGES.read(self.annotation.paths.images, ["image_id"])["image_id"],
            )  # fmt: skip
        lines = correspondence.read(self.annotation.paths.correspondence)
        return ServingState(board, lines, images, PageViews(PushInputs(now, self.annotation.benchmark), lines), read_at)

    # What there is to do.

    def me(self, visitor: Visitor) -> dict[str, Any]:
        """Who somebody is, what is left, and what the guidelines allow."""
        state, annotate = self.state, self.annotation.annotate
        guideline = state.board.now.guideline
        left = list(self._left(visitor.name))
        trained = self._training(visitor)
        return {
            "name": visitor.name, "role": visitor.role, "benchmark": self.annotation.benchmark,
            "pages_left": len(left), "images_left": sum(len(page.rows) for page in left),
            "images_today": self._today(visitor.name),
            "paused": visitor.name in annotate.paused,
            "deadline": annotate.deadline.isoformat() if annotate.deadline else None,
            "days": (annotate.deadline - self.clock().astimezone().date()).days if annotate.deadline else None,
            "guideline": guideline.version,
            "answers": [a.model_dump(mode="json") for a in guideline.answers],
            "training": None if trained is None else training_json(trained, len(state.training), annotate.training),
            "unread": [line.seq for line in replies_to(state.lines, visitor.name)],
            "rulings": len(list(state.views.rulings(visitor.name, state.board.now))),
        }  # fmt: skip

    def next(self, visitor: Visitor, skip: Iterable[str] = (), count: int = 3) -> list[dict[str, Any]]:
        """The next pages of a person, without those of the keys `skip`; empty where there are none now."""
        if visitor.name in self.annotation.annotate.paused or visitor.role == "manager":
            return []
        trained, known = self._training(visitor), set(skip)
        if trained is not None and trained.held:
            return []
        if trained is not None and not trained.passed:
            rounds = training.pages_of(self.state.training)
            todo = [page for page in rounds if not {image.pair for image in page} <= trained.answered]
            return [self.state.views.training(page, trained.round) for page in todo[:1]]
        pages = [page for page in self._left(visitor.name) if page.key not in known]
        return [self.state.views.page(page) for page in pages[:count]]

    def page(self, visitor: Visitor, key: str) -> dict[str, Any]:
        """A page of the person's own, with what was answered on it.

        Raises:
            RefusedError: it is not the person's, or not there.
        """
        page = self._own(visitor, key)
        answers = self.posting.given(visitor.name, self.state.board.places[key])
        return self.state.views.page(page) | {"answers": {str(n): choice for n, choice in answers.items()}}

    def answered(self, visitor: Visitor, most: int = 50) -> list[str]:
        """Keys of the pages that a person answered last, the latest first."""
        with self._lock:
            mine = sorted(((at, key) for (name, key), at in self._given.items() if name == visitor.name), reverse=True)
        judged = {
            key: max(e.judged_at or "" for e in entries)
            for (name, key), entries in self.state.board.judged.items()
            if name == visitor.name and key in self.state.board.places
        }
        pulled = sorted(judged, key=lambda key: (judged[key], key), reverse=True)
        waiting = [key for key, by in self.state.board.answered.items() if visitor.name in by and key not in judged]
        return list(dict.fromkeys([*(key for _, key in mine), *waiting, *pulled]))[:most]

    # What is given.

    def submit(self, visitor: Visitor, key: str, given: Mapping[str, Any]) -> None:
        """Take the answers to a page: `answers` (position -> choice), `seconds`; of the adjudicator, `reason`.

        Raises:
            RefusedError: they are not answers to this page; says what is missing.
            ServerError: Label Studio did not take them.
        """
        page = self._own(visitor, key)
        choices = self._choices(page, given.get("answers"))
        reason = text_of(given.get("reason"), "the reason", empty=True)
        place, person = self.state.board.places[key], visitor.name
        if place.closed:
            raise RefusedError("this project is closed: it takes no more answers", 409)
        with self._lock:
            known = (person, key) in self._given
        new = not known and person not in self.state.board.answered.get(key, ())
        if reason and visitor.role == "adjudicator":
            self._give_reason(person, page.rows[0], choices[1], reason, example=given.get("example") is True)
        self.posting.put(person, place, choices, seconds_of(given.get("seconds")), new=new)
        with self._lock:
            self._given[person, key] = self.clock()

    def _give_reason(self, person: str, row: PlanRow, choice: str, text: str, *, example: bool) -> None:
        """Before the answer, which is sent again where this fails; what was said already is not said twice."""
        said = RulingReason(
            at=self._now(), by=person, task_key=row.task_key, subtopic_id=row.subtopic_id,
            image_id=row.image_id, choice=choice, example=example, text=text,
        )  # fmt: skip
        lines = (line.said for line in reversed(self.state.lines))
        last = next((one for one in lines if isinstance(one, RulingReason) and one.task_key == row.task_key), None)
        if last is None or last.model_copy(update={"at": said.at}) != said:
            self._say(said)

    def train(self, visitor: Visitor, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take the answers to a page of training, and say of each image what was right and why.

        Raises:
            RefusedError: it is not the page that is next, or not its answers.
        """
        section, state = self._training(visitor), self.state
        shown = self.next(visitor, count=1)
        if section is None or not shown or shown[0]["key"] != key:
            raise RefusedError("this page of training is not the next one; reload the page", 409)
        images = [next(i for i in state.training if i.pair == tuple(pair)) for pair in shown[0]["pairs"]]
        guideline = state.board.now.guideline
        chosen = choices_of_page(given.get("answers"), range(1, len(images) + 1), guideline.choices)
        said = [
            TrainingAnswer(
                at=self._now(), by=visitor.name, round=section.round, guideline=guideline.version,
                subtopic_id=image.subtopic_id, image_id=image.image_id, choice=chosen[n], expected=image.grade,
                right=guideline.choices[chosen[n]] == image.grade,
            )
            for n, image in enumerate(images, 1)
        ]  # fmt: skip
        self._say(*said)
        by_grade = {grade: choice for choice, grade in reversed(list(guideline.choices.items())) if grade is not None}
        after = self._training(visitor)
        return {
            "images": [
                {"right": one.right, "expected": by_grade[image.grade], "why": image.why}
                for one, image in zip(said, images, strict=True)
            ],
            "training": training_json(after, len(state.training), self.annotation.annotate.training) if after else None,
        }

    def ask(self, visitor: Visitor, given: Mapping[str, Any]) -> None:
        """Take a question or a flag: `page`, `position` (or none), `flag`, `text`.

        Raises:
            RefusedError: it has no text, or is about no page of the person's.
        """
        page = self._own(visitor, str(given.get("page")))
        position = given.get("position")
        if position is not None and (type(position) is not int or position not in range(1, len(page.rows) + 1)):
            raise RefusedError(f"the page has no image {position!r}")
        mine = [
            line
            for line in self.state.lines
            if isinstance(line.said, AssessorQuestion) and line.said.by == visitor.name
        ]
        if len(mine) >= MOST_QUESTIONS + len(replies_to(self.state.lines, visitor.name)):
            raise RefusedError(f"{MOST_QUESTIONS} questions are open; talk to whoever runs this", 429)
        self._say(
            AssessorQuestion(
                at=self._now(), by=visitor.name, page_key=page.key, subtopic_id=page.subtopic_id,
                image_id=page.rows[position - 1].image_id if position is not None else None,
                flag=given.get("flag") is True, text=text_of(given.get("text"), "the question"),
            )
        )  # fmt: skip

    # What can be read.

    def questions(self, visitor: Visitor) -> list[dict[str, Any]]:
        """A person's questions with their replies, the latest first."""
        return self.state.views.questions(visitor.name)

    def rulings(self, visitor: Visitor) -> list[dict[str, Any]]:
        """Rulings on images that a person judged, the latest first."""
        return list(self.state.views.rulings(visitor.name, self.state.board.now))

    def guidelines(self) -> str:
        """The guidelines in force as HTML, with examples and answered questions."""
        return self.state.views.guidelines(self.state.board.now.guideline)

    def image(self, visitor: Visitor, image_id: str) -> Path:
        """The file of an image that the person may see.

        Raises:
            RefusedError: there is none, or it is not for this person.
        """
        shown = self.state.shown
        names = (visitor.name, "anybody", "")
        if visitor.role != "manager" and not any(image_id in shown.get(name, ()) for name in names):
            raise RefusedError("no such image", 404)
        try:
            return self.state.views.inputs.pictures.file(image_id)
        except CannotShowError as error:
            raise RefusedError(str(error), 404) from None

    # Within.

    def _left(self, person: str) -> Iterator[PlanPage]:
        board = self.state.board
        for page in board.asked(person):
            if (person, page.key) not in self._given and person not in board.answered.get(page.key, ()):
                yield page

    def _today(self, person: str) -> int:
        state, day = self.state, self.clock().astimezone().date()
        with self._lock:
            new = {k for (name, k), at in self._given.items() if name == person and at.astimezone().date() == day}
        pulled = state.today.get(person, frozenset()) if state.read_at.astimezone().date() == day else frozenset()
        return sum(len(state.board.now.pages[key].rows) for key in new | pulled if key in state.board.now.pages)

    def _training(self, visitor: Visitor) -> TrainingState | None:
        section, state = self.annotation.annotate.training, self.state
        if section is None or visitor.role != "assessor":
            return None
        now = state.board.now
        judged = [e for (name, _), entries in state.board.judged.items() if name == visitor.name for e in entries]
        lines = [line for line in state.lines if getattr(line.said, "guideline", None) in (None, *now.versions)]
        return training.state_of(visitor.name, state.training, section, lines, judged, now.gold, now.guideline)

    def _own(self, visitor: Visitor, key: str) -> PlanPage:
        board = self.state.board
        page = board.now.pages.get(key)
        if page is None or key not in board.places or not board.is_asked(visitor.name, page):
            raise RefusedError("this page is not before you (any more)", 409)
        return page

    def _choices(self, page: PlanPage, answers: object) -> dict[int, str]:
        now = self.state.board.now
        shown = [row.position for row in page.rows if row.pair not in now.impossible]
        return choices_of_page(answers, shown, now.guidelines[page.mark[2]].choices)

    def _say(self, *said: Said) -> None:
        """Write what was said, and know it at once."""
        # A look of this process has the judgments to itself already, and people do not wait for it.
        alone = nullcontext() if self.looking else judgments_locked(self.annotation.paths, wait=True)
        with alone, self._lock:
            correspondence.append(self.annotation.paths.correspondence, said)
            old, lines = self.state, correspondence.read(self.annotation.paths.correspondence)
            self.state = ServingState(old.board, lines, old.training, PageViews(old.views.inputs, lines), old.read_at)

    def _now(self) -> str:
        return self.clock().isoformat(timespec="seconds")


def training_json(state: TrainingState, images: int, section: Any) -> dict[str, Any]:
    """For the browser."""
    return {
        "round": state.round, "answered": len(state.answered), "right": state.right, "images": images,
        "passed": state.passed, "held": state.held, "again": state.again, "rounds": section.rounds,
        "pass_mark": section.pass_mark,
    }  # fmt: skip
