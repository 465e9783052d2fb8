"""What is sent: built anew here from VisRet's description, and compared byte for byte."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from fieldguide.answering.answerers.chat import ChatAnswers
from fieldguide.answering.contexts.choosing import Context, contexts
from fieldguide.answering.prompting import PAPER, PAPER_ZERO_SHOT, SYSTEM, prompt
from fieldguide.answering.question import Question, Shown, ShownEntity
from fieldguide.core.files import sha256_bytes
from fieldguide.core.paths import Paths
from fieldguide.models.calls.chat import Prompt
from tests.answering.answerers.chats import chat_values
from tests.answering.benchmark import answerer, ask, chooser, question, shown, topic
from tests.models.endpoint import completion, png, serve

BIRDS = ("kite", "jay", "tern")


def described(model: str, text: str, images: dict[str, list[bytes]]) -> bytes:
    """The body of a request as the paper describes its procedure, with our words for its instructions."""
    if not any(images.values()):
        content: list[dict[str, Any]] = [{"type": "text", "text": text}]
        system = PAPER_ZERO_SHOT
    else:
        system, content = PAPER, [{"type": "text", "text": text}]
        for name, files in images.items():
            content.append({"type": "text", "text": f"Image related to: {name}"})
            for data in files:
                url = "data:image/png;base64," + base64.b64encode(data).decode("ascii")
                content.append({"type": "image_url", "image_url": {"url": url}})
    messages = [{"role": "system", "content": system}, {"role": "user", "content": content}]
    return json.dumps({"model": model, "messages": messages, "max_tokens": 1000}, sort_keys=True).encode()


@pytest.mark.usefixtures("chat_key")
@pytest.mark.parametrize("k", [0, 1, 5])
@pytest.mark.parametrize("entities", [1, 2, 3])
def test_the_paper_s_messages(tmp_path: Path, entities: int, k: int) -> None:
    text = "Which one has a forked tail?"
    files = {name: [png(9, 7, (n, m, 0)) for m in range(k)] for n, name in enumerate(BIRDS[:entities])}
    asked = question(
        topic(text, BIRDS[:entities]), *(shown(tmp_path, *own) for own in files.values() if own), preset="paper"
    )
    with serve(completion("The kite.")) as server:
        answerer(tmp_path, **chat_values(server.base_url, temperature=0.7, seed=5, max_tokens=9)).answer([asked])
    (request,) = server.requests
    assert json.dumps(request, sort_keys=True).encode() == described("tiny", text, files)


def test_images_that_fit_are_sent_as_they_are_seen(tmp_path: Path) -> None:
    """PNG is written anew, so the comparison above holds for files that Pillow wrote."""
    (image,) = shown(tmp_path, png(9, 7))
    sent = answerer(tmp_path, **chat_values("http://127.0.0.1:9/v1")).prompt(question(topic("?", ("kite",)), (image,)))
    assert sent.content[2] == png(9, 7)


@pytest.mark.usefixtures("chat_key")
def test_the_stage_s_preset_reaches_the_endpoint(own_paths: Paths) -> None:
    with serve(completion("Yes.")) as server:
        values = chat_values(server.base_url)
        for context in contexts(chooser(own_paths, preset="paper").section):
            ask(own_paths, values, context, preset="paper")
        assert {request["messages"][0]["content"] for request in server.requests} == {PAPER, PAPER_ZERO_SHOT}
        assert {request["max_tokens"] for request in server.requests} == {1000}
        assert not any({"temperature", "seed"} & set(request) for request in server.requests)
        server.requests.clear()
        ask(own_paths, values, Context("gold"))
        assert {request["messages"][0]["content"] for request in server.requests} == {SYSTEM}
        assert {(request["max_tokens"], request["temperature"]) for request in server.requests} == {(2048, 0.0)}


@pytest.mark.usefixtures("chat_key")
def test_questions_of_both_kinds_keep_their_order(tmp_path: Path) -> None:
    asked = [question(topic(f"Which {n}?", BIRDS), preset="paper" if n % 2 else None) for n in range(5)]
    with serve(*(completion(f"answer {n}") for n in range(5))) as server:
        made = answerer(tmp_path, **chat_values(server.base_url)).answer(asked)
    assert [reply.text for reply in made] == [f"answer {n}" for n in range(5)]
    systems = [request["messages"][0]["content"] for request in server.requests]
    assert systems == [SYSTEM, PAPER_ZERO_SHOT, SYSTEM, PAPER_ZERO_SHOT, SYSTEM]


def test_the_preset_is_part_of_what_is_asked() -> None:
    plain, paper = (question(topic("Which?", BIRDS), preset=preset) for preset in (None, "paper"))
    assert plain.key != paper.key


def test_captions_are_told_in_the_place_of_their_images(tmp_path: Path) -> None:
    (image,) = shown(tmp_path, png())
    caption = Shown("caption", "i", sha256_bytes(b"a red bird"), "a red bird", True)
    asked = topic("Which?", ("kite", "jay"))
    own = [
        ShownEntity("s1", "kite", "kite", (caption, image)),
        ShownEntity("s2", "jay", "blue jay", (caption,)),
    ]
    assert prompt(Question(asked, tuple(own))).parts == (
        "Which?",
        "Image related to: kite",
        image,
        "Description of an image related to: kite\na red bird",
        "Description of an image related to: blue jay\na red bird",
    )


def test_without_images_the_paper_asks_for_no_reasoning() -> None:
    told = prompt(question(topic("Which?", BIRDS), preset="paper"))
    assert told.system == PAPER_ZERO_SHOT
    assert "Reasoning" not in told.system
    assert told.parts == ("Which?",)


def test_a_prompt_of_parts_is_priced_by_all_its_texts_and_images(tmp_path: Path) -> None:
    asking: ChatAnswers = answerer(tmp_path, **chat_values("http://127.0.0.1:9/v1", image_tokens=100))
    words, one, two = (
        asking.chat(None).request(Prompt("s", "", parts=parts)).most.input_tokens
        for parts in (("a" * 50,), ("a" * 50, png()), ("a" * 25, png(), "a" * 25, png()))
    )
    assert (one - words, two - words) == (100, 200)
