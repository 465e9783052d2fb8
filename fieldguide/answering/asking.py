"""Questions put to answerers in every context, and their answers scored, row by row of records.ANSWERS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from fieldguide.answering.answerers.registry import load_answerer
from fieldguide.answering.answerers.section import AnyAnswerer
from fieldguide.answering.closed.scoring import read_answer, references_of
from fieldguide.answering.contexts.choosing import Chooser, Context, NothingToShowError, orders
from fieldguide.answering.question import Answered, Answerer, Question
from fieldguide.answering.scoring.judging import Judges, Verdict
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.remembered import Remembered
from fieldguide.models.loading.protocols import Refused
from fieldguide.records.answers import RULES
from fieldguide.records.topics import Topic

Row = dict[str, Any]
_RIGHT = 0.5  # of a judge's score, from which on an answer counts as correct


class LoadedAnswerer:
    """An answerer, loaded when it is first asked; sent to another process it is loaded there.

    What it computes is kept by the question's content. One thread asks it at a time, unless its answers are kept
    elsewhere: tokenizers must not be called by several.
    """

    def __init__(self, name: str, spec: AnyAnswerer, root: Path) -> None:
        self.name, self._spec, self._root = name, spec, root
        self._lock = Lock()
        self._made: Answerer | None = None

    def __reduce__(self) -> tuple[type[LoadedAnswerer], tuple[str, AnyAnswerer, Path]]:
        return LoadedAnswerer, (self.name, self._spec, self._root)

    def load(self) -> Answerer:
        """The answerer itself.

        Raises:
            FieldguideError: it cannot be loaded.
        """
        with self._lock:
            if self._made is None:
                self._made = load_answerer(self.name, self._spec, self._root)
            return self._made

    def answer(self, questions: Sequence[Question]) -> list[Answered | Refused]:
        """As `Answerer.answer`."""
        answerer = self.load()
        if answerer.keeps:
            return answerer.answer(questions)
        with self._lock, Remembered(Paths(self._root).cache / "answers" / f"{answerer.revision}.jsonl") as known:
            return [self._kept(answerer, question, known) for question in questions]

    def _kept(self, answerer: Answerer, question: Question, known: Remembered) -> Answered | Refused:
        kept = known.get(question.key)
        if kept is not None:
            return Answered(**kept)
        made = answerer.answer([question])[0]
        if isinstance(made, Answered):  # what failed is tried again by the next run
            known.add(question.key, asdict(made))
        return made


@dataclass(frozen=True)
class AskedTopics:
    """What is asked: topics with the reference of those whose answer is closed; the others go to judges."""

    topics: tuple[Topic, ...]
    references: Mapping[str, str]
    names: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, topics: Sequence[Topic], names: Mapping[str, Sequence[str]], judged: bool) -> AskedTopics:
        """All topics that can be scored: by rules, or, where there are judges, by them."""
        closed = references_of(topics, names)
        return cls(tuple(t for t in topics if judged or t.topic_id in closed), closed, names)


def answer_rows(
    answerer: LoadedAnswerer, context: Context, chooser: Chooser, asked: AskedTopics, judges: Judges | None
) -> list[Row]:
    """Rows of records.ANSWERS: every topic in one context, in all its orders.

    What has nothing to show, what was not answered and what no judge could score is a row too, with its reason.
    """
    rows, put = [], []
    in_orders = orders(chooser.section, context)
    for topic in asked.topics:
        own = [_empty(answerer.name, context.name, order, topic.topic_id) for order in in_orders]
        rows += own
        try:
            questions = list(chooser.questions(topic, context, in_orders))
        except NothingToShowError as error:
            for row in own:
                row["reason"] = str(error)
            continue
        for row, question in zip(own, questions, strict=True):
            row.update(_shown(question))
            put.append((row, question))
    replies = answerer.answer([question for _, question in put])
    for (row, _), reply in zip(put, replies, strict=True):
        row.update(_replied(reply))
    _score([(row, question.topic) for row, question in put if row["reply"] is not None], asked, judges)
    return sorted(rows, key=lambda row: in_orders.index(row["order"]))


def _score(answered: Sequence[tuple[Row, Topic]], asked: AskedTopics, judges: Judges | None) -> None:
    """Fill in what became of each answer."""
    free = []
    for row, topic in answered:
        right = asked.references.get(topic.topic_id)
        if right is None:
            free.append((row, topic))
        else:
            row.update(closed_outcome(row["reply"], topic, right, asked.names))
    if judges is None:
        return
    verdicts = judges.score([(topic.text, topic.answer, row["reply"]) for row, topic in free])
    for (row, _), verdict in zip(free, verdicts, strict=True):
        row.update(judged_outcome(verdict))
        row["cost"] += verdict.cost


def closed_outcome(reply: str, topic: Topic, right: str, names: Mapping[str, Sequence[str]]) -> Row:
    """said, outcome, score and scored_by of an answer that rules can read."""
    read = read_answer(reply, topic, names)
    outcome = ("correct" if read.said == right else "wrong") if read.what == "said" else read.what
    return {"said": read.said, "outcome": outcome, "score": float(outcome == "correct"), "scored_by": RULES}


def judged_outcome(verdict: Verdict) -> Row:
    """The same of an answer that judges scored, with the reason where they did not."""
    if verdict.score is None:
        return {"outcome": "unscored", "score": None, "scored_by": verdict.by, "reason": verdict.reason}
    outcome = "abstained" if verdict.abstained else "correct" if verdict.score >= _RIGHT else "wrong"
    return {"outcome": outcome, "score": verdict.score, "scored_by": verdict.by}


def _empty(answerer: str, context: str, order: str, topic_id: str) -> Row:
    nothing = dict.fromkeys(("reply", "said", "score", "reason", "confidence", "prompt_tokens", "completion_tokens"))
    none: Row = {"subtopics": [], "kinds": [], "keys": [], "relevant": []}
    key = {"answerer": answerer, "context": context, "order": order, "topic_id": topic_id}
    return {**key, **none, **nothing, "outcome": "unscored", "scored_by": RULES, "cost": 0.0}


def _shown(question: Question) -> Row:
    pairs = list(_pairs(question))
    return {
        "subtopics": [subtopic for subtopic, _ in pairs],
        "kinds": [shown.kind for _, shown in pairs],
        "keys": [shown.key for _, shown in pairs],
        "relevant": [shown.relevant for _, shown in pairs],
    }


def _pairs(question: Question) -> Iterator[tuple[str, Any]]:
    for entity in question.entities:
        for shown in entity.shown:
            yield entity.subtopic_id, shown


def _replied(reply: Answered | Refused) -> Row:
    if isinstance(reply, Refused):
        return {"reason": reply.reason}
    return {
        "reply": reply.text, "confidence": reply.confidence, "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens, "cost": reply.cost,
    }  # fmt: skip
