"""Sections of chat answerers, and servers that answer by the question."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from tests.models.endpoint import Act, Answer, Endpoint, endpoint


def chat_values(base_url: str, *, structured: bool = False, side: int = 768, **chat: Any) -> dict[str, Any]:
    """A section of kind `chat`, asked one after the other; `chat` are keys of its model."""
    model = {"base_url": base_url, "model": "tiny", "api_key_variable": "TEST_CHAT_KEY", "retries": 1, "concurrency": 1}
    return {"kind": "chat", "chat": {**model, **chat}, "side": side, "structured": structured}


def asked_text(body: Any) -> str:
    """The question of a request: the first text of what the user says."""
    content = body["messages"][1]["content"]
    return str(content if isinstance(content, str) else content[0]["text"])


def serve_by_question(acts: Mapping[str, Act | dict[str, Any]], default: Act) -> AbstractContextManager[Endpoint]:
    """An endpoint that answers each question in its own way."""

    def act(_: int, body: Any) -> Act:
        chosen = acts.get(asked_text(body), default)
        return Answer(chosen) if isinstance(chosen, dict) else chosen

    return endpoint(act)
