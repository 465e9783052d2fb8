"""Answers by a chat model that sees images, each asked for once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from fieldguide.answering.answerers.registry import ANSWERERS
from fieldguide.answering.answerers.section import ChatAnswerer
from fieldguide.answering.prompting import prompt
from fieldguide.answering.question import Answered, Question, Shown
from fieldguide.core.files import content_key
from fieldguide.models.calls.caller import UnansweredError, open_caller
from fieldguide.models.calls.chat import Chat, Prompt, Reply
from fieldguide.models.calls.pictures import small_png
from fieldguide.models.loading.protocols import Refused

KIND = "chat"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["reasoning", "answer"],
    "additionalProperties": False,
}
_VERSION = 1


@ANSWERERS.register(KIND, modules=("openai",), files={})
class ChatAnswers:
    """What a chat model answers. Its refusals are kept; what it did not answer after all retries is asked again."""

    keeps = True  # with the calls

    def __init__(self, name: str, spec: ChatAnswerer, root: Path) -> None:
        self.name, self._spec, self._calls = name, spec, open_caller(root)
        determining = spec.chat.model_dump(include={"base_url", "model", "temperature", "seed", "max_tokens"})
        self.revision = content_key(
            kind=KIND, version=_VERSION, side=spec.side, structured=spec.structured, **determining
        )

    def answer(self, questions: Sequence[Question]) -> list[Answered | Refused]:
        """See `Answerer`."""
        made: list[Answered | Refused] = []
        for preset, some in groupby(questions, lambda question: question.preset):
            made += map(_answered, self.chat(preset).ask_each(self.prompt(question) for question in some))
        return made

    def chat(self, preset: str | None) -> Chat:
        """Whom a question of that preset is put to: `paper` limits a reply to 1000 tokens, and sends nothing else."""
        paper = {"max_tokens": 1000, "temperature": None, "seed": None}
        return Chat(self._spec.chat.model_copy(update=paper if preset == "paper" else {}), self._calls)

    def prompt(self, question: Question) -> Prompt:
        """What is sent for a question."""
        asked = prompt(question)
        parts = tuple(
            small_png(part.image(), self._spec.side) if isinstance(part, Shown) else part for part in asked.parts
        )
        return Prompt(asked.system, "", parts=parts, schema=SCHEMA if self._spec.structured else None)


def _answered(reply: Reply | Refused | UnansweredError) -> Answered | Refused:
    if isinstance(reply, Reply):
        return Answered(reply.text, None, reply.prompt_tokens, reply.completion_tokens, reply.cost)
    return reply if isinstance(reply, Refused) else Refused(str(reply))
