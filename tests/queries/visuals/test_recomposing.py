"""Stage `recompose`: captions of drawings with what is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import sha256_file
from fieldguide.core.paths import Paths
from fieldguide.queries.visuals.captioning.recomposing import check_template, recompose
from fieldguide.queries.visuals.captioning.section import Recompose
from fieldguide.records.drawings import CAPTIONS, DRAWINGS
from fieldguide.records.topics import RECOMPOSED, read_phrases, read_topics
from tests.builders import tiny_benchmark
from tests.models.endpoint import KEY, completion, endpoint


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """With a caption of every drawing but one."""
    paths = tiny_benchmark(tmp_path)
    drawings = sorted(DRAWINGS.read(paths.drawings).query("purpose == 'topic'")["drawing_id"])
    rows = [
        {"kind": "drawing", "key": d, "text": f"seen {d[:4]}" if n else None, "captioner": "it", "revision": "r",
         "status": "ok" if n else "failed", "reason": None if n else "dark"}
        for n, d in enumerate(drawings)
    ]  # fmt: skip
    CAPTIONS.write(paths.captions, CAPTIONS.frame(rows))
    return paths


def test_a_template_joins_caption_phrase_and_question(paths: Paths) -> None:
    spec = Recompose(template="{question} {phrase}: {caption}")
    summary = recompose(spec, paths)
    table = RECOMPOSED.read(paths.recomposed)
    drawings = DRAWINGS.read(paths.drawings).set_index("drawing_id")
    captions = CAPTIONS.read(paths.captions).dropna(subset="text").set_index("key")["text"]
    phrases = {phrase.subtopic_id: phrase.text for phrase in read_phrases(paths.phrases)}
    questions = {s.subtopic_id: t.text for t in read_topics(paths.topics) for s in t.subtopics}
    wanted = {
        (s, d): f"{questions[s]} {phrase}: {captions[d]}"
        for s, phrase in phrases.items()
        for d in drawings.index[drawings["prompt"] == phrase]
        if d in captions
    }
    found = {(s, d): text for s, d, text in table[["subtopic_id", "drawing_id", "text"]].itertuples(index=False)}
    assert found == wanted
    assert list(found) == sorted(found)
    assert str(summary) == f"{len(wanted)} captions recomposed by template, 0 failed"
    before = sha256_file(paths.recomposed)
    recompose(spec, paths)
    assert sha256_file(paths.recomposed) == before


def _by_chat(paths: Paths, monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[Any]:
    monkeypatch.setenv("TEST_CHAT_KEY", KEY)
    with endpoint(lambda number, body: (200, answer(number, body))) as server:
        chat = {"base_url": server.base_url, "model": "tiny", "api_key_variable": "TEST_CHAT_KEY", "concurrency": 1}
        recompose(Recompose.model_validate({"recomposer": "chat", "chat": chat}), paths)
        return server.requests


def test_a_chat_model_is_given_question_phrase_and_caption(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = _by_chat(paths, monkeypatch, lambda number, _: completion(f' "answer\n {number}" '))
    table = RECOMPOSED.read(paths.recomposed)
    assert table["text"].tolist()[0] == "answer 0"
    assert set(table["recomposer"]) == {"chat:tiny"}
    asked = json.loads(requests[0]["messages"][1]["content"])
    assert asked.keys() == {"question", "phrase", "caption"}
    assert asked["caption"].startswith("seen ")


def test_refusals_and_empty_answers_are_recorded(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(number: int, _: Any) -> dict[str, Any]:
        if number == 0:
            return completion(None, refusal="I will not.")
        return completion("x" * 501 if number == 1 else "good")

    _by_chat(paths, monkeypatch, answer)
    table = RECOMPOSED.read(paths.recomposed)
    assert table["status"].tolist()[:3] == ["failed", "failed", "ok"]
    assert table["reason"].tolist()[:2] == ["I will not.", "must be 1 to 500 printable characters"]
    assert table["text"].isna().tolist()[:3] == [True, True, False]


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{phrase}", r"no \{caption\} in '\{phrase\}'"),
        ("{caption} {value}", r"placeholder \{value\}"),
        ("{caption.__class__}", r"placeholder \{caption.__class__\}"),
        ("{caption} {", "braces do not match"),
    ],
)
def test_a_template_may_use_caption_phrase_and_question_alone(template: str, what: str) -> None:
    with pytest.raises(FieldguideError, match=f"params.yaml: recompose.template: {what}"):
        check_template(template)
