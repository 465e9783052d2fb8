"""A chat model as answerer, behind an endpoint that misbehaves."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from fieldguide.answering.answerers.chat import SCHEMA
from fieldguide.answering.asking import Row
from fieldguide.answering.contexts.choosing import Context
from fieldguide.answering.prompting import SYSTEM
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.models.calls.budget import BudgetError
from fieldguide.records.topics import read_topics
from tests.answering.answerers.chats import asked_text, chat_values, serve_by_question
from tests.answering.benchmark import answerer, ask, question, shown, topic
from tests.conftest import REPOSITORY
from tests.models.endpoint import (
    BROKEN_JSON,
    HTTP_500,
    KEY,
    MODERATED,
    NO_JSON,
    RATE_LIMITED,
    REFUSED,
    Act,
    Answer,
    completion,
    endpoint,
    failure,
    png,
    serve,
)

pytestmark = pytest.mark.usefixtures("chat_key")
NONE, GOLD = Context("none"), Context("gold")
BOTH_RED, BOTH_SKIN = "Are both apples red?", "Do apple and satsuma have a skin?"
GREEN, ORANGE = "Which apple is green?", "Which is orange, apple or satsuma?"
QUESTIONS = (BOTH_RED, BOTH_SKIN, GREEN, ORANGE)


def outcomes(paths: Paths, acts: Mapping[str, Act | dict[str, Any]], **chat: Any) -> dict[str, Row]:
    """What became of each question without images, by its text."""
    with serve_by_question(acts, Answer(completion("### Answer\nYes."))) as server:
        rows = ask(paths, chat_values(server.base_url, **chat), NONE)
    texts = {topic.topic_id: topic.text for topic in read_topics(paths.topics)}
    return {texts[row["topic_id"]]: row for row in rows}


@pytest.mark.parametrize(
    ("act", "outcome", "said", "reason"),
    [
        (completion("### Reasoning\nLeaves.\n### Answer\nThe Granny Smith apple."), "correct", "granny-smith", None),
        (completion("The Red Delicious apple."), "wrong", "red-delicious", None),
        (completion('{"reasoning": "It is.", "answer": "Granny Smith apple"}'), "correct", "granny-smith", None),
        (completion("The Granny Smith apple and the Red Delicious apple."), "unparseable", None, None),
        (completion("La manzana verde."), "unparseable", None, None),
        (completion("### Answer\nI cannot tell."), "abstained", None, None),
        (completion("I'm sorry, I can't help with that."), "abstained", None, None),
        (REFUSED, "unscored", None, "I will not."),
        (MODERATED, "unscored", None, "rejected by the safety system"),
        (completion("half", finish="content_filter"), "unscored", None, "stopped by the endpoint's content filter"),
        (completion(" "), "unscored", None, "the reply is empty"),
        (completion("The Gran", finish="length"), "unscored", None, "cut off at the endpoint's limit"),
        (NO_JSON, "unscored", None, "the answer is not JSON"),
        (BROKEN_JSON, "unscored", None, "the answer is not JSON"),
        (HTTP_500, "unscored", None, "HTTP 500: "),
        (0.4, "unscored", None, "no answer in time"),
    ],
)
def test_what_becomes_of_each_answer(
    own_paths: Paths, act: Act | dict[str, Any], outcome: str, said: str | None, reason: str | None
) -> None:
    rows = outcomes(own_paths, {GREEN: act}, timeout=0.2)
    row = rows[GREEN]
    assert (row["outcome"], row["said"]) == (outcome, said)
    if reason is None:
        assert row["reason"] is None
        assert row["score"] == float(outcome == "correct")
    else:
        assert reason in row["reason"]
        assert KEY not in row["reason"]
        assert (row["reply"], row["score"]) == (None, None)
    assert rows[BOTH_SKIN]["outcome"] == "correct"  # what is asked beside it is answered all the same


def test_what_may_pass_is_asked_again(own_paths: Paths) -> None:
    with serve(RATE_LIMITED, completion("Yes.", usage=(40, 2))) as server:
        rows = ask(own_paths, chat_values(server.base_url), NONE)
    assert len(server.requests) == len(rows) + 1 == len(QUESTIONS) + 1
    assert {(row["prompt_tokens"], row["completion_tokens"], row["cost"]) for row in rows} == {(40, 2, 0.0)}


def test_a_second_run_asks_nothing_but_what_was_not_answered(own_paths: Paths) -> None:
    acts = {GREEN: HTTP_500, BOTH_RED: REFUSED}
    with serve_by_question(acts, Answer(completion("Yes."))) as server:
        first = ask(own_paths, chat_values(server.base_url), NONE)
        server.requests.clear()
        assert ask(own_paths, chat_values(server.base_url), NONE) == first
        assert {asked_text(body) for body in server.requests} == {GREEN}  # a refusal is an answer, and kept
        server.requests.clear()
        del acts[GREEN]
        again = ask(own_paths, chat_values(server.base_url), NONE)
        assert [row["outcome"] for row in again].count("unscored") == 1
        assert len(server.requests) == 1


def test_an_error_of_the_endpoint_stops_and_what_was_answered_is_kept(own_paths: Paths) -> None:
    def act(number: int, _: Any) -> Act:
        return failure(401, f"no such key: {KEY}") if number == 2 else Answer(completion("Yes."))

    with endpoint(act) as server:
        with pytest.raises(FieldguideError, match="the key is not accepted") as caught:
            ask(own_paths, chat_values(server.base_url), NONE)
        assert KEY not in str(caught.value)
        ask(own_paths, chat_values(server.base_url), NONE)
        asked = [asked_text(body) for number, body in enumerate(server.requests) if number != 2]
    assert sorted(asked) == sorted(QUESTIONS)


KILLED = """
import sys, json
from pathlib import Path
from fieldguide.core.paths import Paths
from fieldguide.answering.contexts.choosing import Context
from tests.answering.benchmark import ask
ask(Paths(Path(sys.argv[1])), json.loads(sys.argv[2]), Context("gold"))
"""


def test_a_killed_run_asks_nothing_twice(own_paths: Paths) -> None:
    running: list[subprocess.Popen[bytes]] = []

    def act(number: int, _: Any) -> Act:
        if number == 2:
            running[0].send_signal(signal.SIGKILL)
            return 5.0
        return Answer(completion("Yes."))

    with endpoint(act) as server:
        values = chat_values(server.base_url)
        command = [sys.executable, "-c", KILLED, str(own_paths.root), json.dumps(values)]
        running.append(subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}))
        assert running[0].wait(timeout=120) == -signal.SIGKILL
        before = [asked_text(body) for body in server.requests]
        rows = ask(own_paths, values, GOLD)
        after = [asked_text(body) for body in server.requests[len(before) :]]
    # Just the question that had no answer yet when the process died is asked by the next one too.
    assert len(before) == 3
    assert sorted(before[:2] + after) == sorted(QUESTIONS)
    assert before[2] in after
    assert {row["outcome"] for row in rows} <= {"correct", "wrong", "unparseable"}


def test_the_budget_stops_before_it_is_exceeded(own_paths: Paths) -> None:
    price = {"input": 0.0, "output": 1000.0}  # of a reply of at most 50 tokens: 0.05
    section = {"calls": {"budget": 0.11, "prices": {"tiny": price}}}
    (own_paths.root / "params.yaml").write_text(yaml.safe_dump(section), encoding="utf-8")
    with serve(completion("Yes.", usage=(10, 50))) as server:
        with pytest.raises(BudgetError, match=r"Raise calls\.budget"):
            ask(own_paths, chat_values(server.base_url, max_tokens=50), NONE)
        assert len(server.requests) == 2
        section["calls"]["budget"] = 0.2
        (own_paths.root / "params.yaml").write_text(yaml.safe_dump(section), encoding="utf-8")
        rows = ask(own_paths, chat_values(server.base_url, max_tokens=50), NONE)
        assert len(server.requests) == 4
    assert [row["cost"] for row in rows] == pytest.approx([0.05] * 4)


def sent_image(part: dict[str, Any]) -> Image.Image:
    """The image of a part of a message."""
    return Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition("data:image/png;base64,")[2])))


def test_texts_and_images_arrive_in_their_order(tmp_path: Path) -> None:
    files = [png(200, 100, (10 * n, 0, 0)) for n in range(1, 5)]
    images = shown(tmp_path, *files)
    asked = question(topic("Which?", ("kite", "jay", "tern")), images[:3], (), images[3:])
    with serve(completion("The kite.")) as server:
        answerer(tmp_path, **chat_values(server.base_url, side=64)).answer([asked])
    (request,) = server.requests
    system, user = request["messages"]
    assert system == {"role": "system", "content": SYSTEM}
    first, *parts = user["content"]
    assert first == {"type": "text", "text": "Which?"}
    texts = {n: part["text"] for n, part in enumerate(parts) if part["type"] == "text"}
    assert texts == {0: "Image related to: kite", 4: "Image related to: tern"}
    pictures = [sent_image(part) for part in parts if part["type"] == "image_url"]
    assert [picture.getpixel((0, 0)) for picture in pictures] == [(10, 0, 0), (20, 0, 0), (30, 0, 0), (40, 0, 0)]
    assert {picture.size for picture in pictures} == {(64, 32)}


def test_another_image_is_another_question(tmp_path: Path) -> None:
    one, other = shown(tmp_path, png(colour=(1, 1, 1)), png(colour=(2, 2, 2)))
    with serve(completion("The kite.")) as server:
        asking = answerer(tmp_path, **chat_values(server.base_url))
        for images in ((one, other), (other, one), (one,), (one, other)):
            asking.answer([question(topic("Which?", ("kite", "jay")), images)])
    assert len(server.requests) == 3


@pytest.mark.parametrize("structured", [False, True])
def test_a_schema_is_sent_where_asked_for(tmp_path: Path, structured: bool) -> None:
    reply = '{"reasoning": "One has it.", "answer": "The kite."}'
    with serve(completion(reply)) as server:
        asking = answerer(tmp_path, **chat_values(server.base_url, structured=structured))
        (made,) = asking.answer([question(topic("Which?", ("kite", "jay")))])
    (request,) = server.requests
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA}}
    assert request.get("response_format") == (wanted if structured else None)
    assert made.text == reply


def test_what_determines_an_answer_is_in_the_revision(tmp_path: Path) -> None:
    sections = [
        chat_values("http://127.0.0.1:9/v1"),
        chat_values("http://127.0.0.1:8/v1"),
        chat_values("http://127.0.0.1:9/v1", side=64),
        chat_values("http://127.0.0.1:9/v1", structured=True),
        chat_values("http://127.0.0.1:9/v1", seed=7),
        chat_values("http://127.0.0.1:9/v1", temperature=0.5),
        chat_values("http://127.0.0.1:9/v1", max_tokens=7),
    ]
    assert len({answerer(tmp_path, **values).revision for values in sections}) == len(sections)
    same = chat_values("http://127.0.0.1:9/v1", concurrency=9, timeout=1.0)
    assert answerer(tmp_path, **same).revision == answerer(tmp_path, **sections[0]).revision
