"""The page's figures as CSV: hours, the judgments that hold, questions."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from fieldguide.annotation.correspondence.threads import QuestionThread
from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.annotation.progress.hours import WorkDay
from fieldguide.core.files import atomic_open

HOURS = ("person", "day", "hours", "pages", "images")
JUDGMENTS = (
    "seq", "assessor", "role", "subtopic_id", "image_id", "pass", "choice", "grade", "guideline", "judged_at",
    "seconds", "sighted", "task_key",
)  # fmt: skip
QUESTIONS = (
    "number", "at", "by", "flag", "subtopic_id", "image_id", "page_key", "text", "reply", "replied_at", "faq",
    "reply_text",
)  # fmt: skip

_Row = tuple[object, ...]


def hours_rows(days: Iterable[WorkDay]) -> Iterator[_Row]:
    """Rows of `HOURS`."""
    yield from ((day.person, day.day, round(day.hours, 4), day.pages, day.images) for day in days)


def judgment_rows(entries: Iterable[LogEntry]) -> Iterator[_Row]:
    """Rows of `JUDGMENTS`: what holds now, in the order of the log."""
    for e in current(entries):
        yield (
            e.seq, e.assessor, e.role, e.subtopic_id, e.image_id, e.pass_, e.choice, e.grade, e.guideline, e.judged_at,
            e.seconds, int(e.sighted), e.key,
        )  # fmt: skip


def question_rows(threads: Iterable[QuestionThread]) -> Iterator[_Row]:
    """Rows of `QUESTIONS`: one a reply, and one for a question without any."""
    for q in threads:
        asked = (q.number, q.at, q.by, int(q.flag), q.subtopic_id, q.image_id, q.page_key, q.text)
        for reply in q.replies:
            yield (*asked, reply.number, reply.at, int(reply.faq), reply.text)
        if q.open:
            yield (*asked, None, None, None, None)


def write_csv(path: Path, heads: tuple[str, ...], rows: Iterable[_Row]) -> None:
    """Write a table whole or not at all: UTF-8, every cell in quotes, None as an empty one."""
    with atomic_open(path) as stream:
        # In quotes, for texts of people may hold any kind of line end.
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows(rows)
