"""Stage `recompose`: a drawing's caption and the subtopic's text as one description to search for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.core.progress import Track, silent
from fieldguide.models.loading.protocols import Refused
from fieldguide.queries.visuals.captioning.section import Recompose
from fieldguide.queries.wording.placeholders import check_placeholders
from fieldguide.queries.wording.replies import one_line
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.topics import RECOMPOSED, Subtopic, read_phrases, read_topics

_ALLOWED = ("caption", "phrase", "question")
_LONGEST = 500
SYSTEM = """\
You are given what a drawing shows (caption), and what a reader looks for (question, phrase).
Write one sentence that describes a photograph which answers the reader: keep of the caption what fits, add what the
reader asks to see, and name the thing exactly as the phrase does. Do not guess the answer to the question.
Reply with the sentence alone, at most 40 words.
"""


class Task(NamedTuple):
    """One drawing's caption to be recomposed with a subtopic's text."""

    subtopic: Subtopic
    phrase: str
    drawing_id: str
    caption: str


@dataclass(frozen=True)
class RecomposeSummary:
    """What `recompose` wrote, counted."""

    recomposed: int
    failed: int
    recomposer: str

    def __str__(self) -> str:
        return f"{self.recomposed} captions recomposed by {self.recomposer}, {self.failed} failed"


def recompose(spec: Recompose, paths: Paths, track: Track = silent) -> RecomposeSummary:
    """Write data/recomposed/recomposed.parquet, sorted by subtopic_id and drawing_id.

    Raises:
        FieldguideError: the template has other placeholders than it may, the endpoint cannot be used.
    """
    check_template(spec.template)
    tasks = list(_tasks(paths))
    called, answers = _answers(spec, tasks, paths)
    done = track(answers, "recomposing", unit="captions", total=len(tasks))
    rows = [_row(task, one_line(answer, _LONGEST), called) for task, answer in zip(tasks, done, strict=True)]
    RECOMPOSED.write(paths.recomposed, RECOMPOSED.frame(rows))
    failed = sum(row["status"] == "failed" for row in rows)
    return RecomposeSummary(len(rows) - failed, failed, called)


def check_template(template: str) -> None:
    """Refuse a template that would not do.

    Raises:
        FieldguideError: names the placeholder, and what is allowed.
    """
    advice = "allowed are {caption}, which it must have, {phrase} and {question}"
    check_placeholders(template, "recompose.template", "caption", _ALLOWED, advice)


def _tasks(paths: Paths) -> Iterator[Task]:
    captions, drawings = CAPTIONS.read(paths.captions), DRAWINGS.read(paths.drawings)
    told = captions[captions["status"] == "ok"]
    words = dict(zip(told["key"], told["text"], strict=True))
    by_prompt = drawings[drawings["purpose"] == "topic"].groupby("prompt")["drawing_id"].apply(sorted)
    phrases = {phrase.subtopic_id: phrase.text for phrase in read_phrases(paths.phrases)}
    subtopics = [subtopic for topic in read_topics(paths.topics) for subtopic in topic.subtopics]
    for subtopic in sorted(subtopics, key=lambda s: s.subtopic_id):
        phrase = phrases[subtopic.subtopic_id]
        for drawing in by_prompt.get(phrase, []):
            if drawing in words:
                yield Task(subtopic, phrase, drawing, words[drawing])


def _answers(spec: Recompose, tasks: Sequence[Task], paths: Paths) -> tuple[str, Iterable[str | Refused]]:
    """What the recomposer is called in the records, and its answers in order."""
    if spec.recomposer == "template":
        return "template", (
            spec.template.format(caption=task.caption, phrase=task.phrase, question=task.subtopic.topic.text)
            for task in tasks
        )
    from fieldguide.models.calls.caller import open_caller
    from fieldguide.models.calls.chat import Chat, Prompt, Reply

    if spec.chat is None:
        raise FieldguideError("params.yaml: recompose.chat: is empty; `chat` needs base_url and model")
    chat = Chat(spec.chat, open_caller(paths.root))
    prompts = (
        Prompt(
            SYSTEM,
            json.dumps(
                {"question": task.subtopic.topic.text, "phrase": task.phrase, "caption": task.caption},
                ensure_ascii=False,
            ),
        )
        for task in tasks
    )
    replies = (reply.text if isinstance(reply, Reply) else reply for reply in chat.ask_all(prompts))
    return f"chat:{spec.chat.model}", replies


def _row(task: Task, answer: str | Refused, called: str) -> dict[str, Any]:
    refused = isinstance(answer, Refused)
    return {
        "subtopic_id": task.subtopic.subtopic_id, "drawing_id": task.drawing_id, "recomposer": called,
        "text": None if refused else answer, "status": "failed" if refused else "ok",
        "reason": answer.reason if isinstance(answer, Refused) else None,
    }  # fmt: skip
