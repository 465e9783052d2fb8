"""Questions of assessors with what was replied, and a reply to one of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from fieldguide.annotation.correspondence.log import LONGEST, AssessorQuestion, Line, QuestionReply, append, read
from fieldguide.core.errors import Problem, ProblemsError

MANAGER = "manager"
"""Who replies, in the lines of correspondence.jsonl."""


@dataclass(frozen=True)
class ThreadReply:
    """A reply: line `number`; `faq`: it is shown to everybody."""

    number: int
    at: str
    by: str
    faq: bool
    text: str


@dataclass(frozen=True)
class QuestionThread:
    """What somebody asked or flagged: line `number` of correspondence.jsonl, and what was replied.

    Attributes:
        at: ISO 8601 with offset.
        image_id: that it is about; None: the page as a whole.
        flag: the image should not be here.
    """

    number: int
    at: str
    by: str
    page_key: str
    subtopic_id: str
    image_id: str | None
    flag: bool
    text: str
    replies: tuple[ThreadReply, ...] = ()

    @property
    def open(self) -> bool:
        """Nobody has replied."""
        return not self.replies


def threads(lines: Iterable[Line]) -> list[QuestionThread]:
    """All questions, oldest first."""
    found: dict[int, QuestionThread] = {}
    for line in lines:
        said = line.said
        if isinstance(said, AssessorQuestion):
            found[line.seq] = QuestionThread(
                line.seq, said.at, said.by, said.page_key, said.subtopic_id, said.image_id, said.flag, said.text
            )
        elif isinstance(said, QuestionReply) and said.question in found:
            asked = found[said.question]
            reply = ThreadReply(line.seq, said.at, said.by, said.faq, said.text)
            found[said.question] = replace(asked, replies=(*asked.replies, reply))
    return list(found.values())


def reply(path: Path, number: int, text: str, *, faq: bool, at: str) -> QuestionThread:
    """Append the manager's reply to question `number` of a correspondence.jsonl. Gives the thread as it is now.

    Whoever calls it holds `lock.judgments_locked`.

    Args:
        path: of the file.
        number: the question's line.
        text: of the reply.
        faq: show question and reply to everybody, below the guidelines.
        at: ISO 8601 with offset.

    Raises:
        ProblemsError: no question has that number, the text is empty or too long; nothing is written.
        FieldguideError: a line of the file was changed.
    """
    said, asked = text.strip(), {thread.number: thread for thread in threads(read(path))}
    problems = []
    if number not in asked:
        there = ", ".join(map(str, asked)) or "none"
        problems.append(Problem(f"question {number}", f"is not there; there are: {there}"))
    if not said:
        problems.append(Problem("the reply", "has no text"))
    if len(said) > LONGEST:
        problems.append(Problem("the reply", f"has {len(said)} characters; at most {LONGEST} are taken"))
    if problems:
        headline = f"{path}: nothing was replied; `fieldguide annotate questions` lists what is asked:"
        raise ProblemsError(headline, problems)
    append(path, [QuestionReply(at=at, by=MANAGER, question=number, faq=faq, text=said)])
    return next(thread for thread in threads(read(path)) if thread.number == number)
