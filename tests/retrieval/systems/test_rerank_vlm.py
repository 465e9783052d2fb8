"""A model that looks at the best of another system, behind a local endpoint."""

from __future__ import annotations

import base64
import io
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.models.calls.chat import Reply
from fieldguide.models.loading.protocols import Refused
from fieldguide.records.runs import RunLine
from fieldguide.retrieval.systems.collection import SearchCollection
from fieldguide.retrieval.systems.kinds.rerank_vlm import (
    Photographs,
    by_probability,
    grade,
    probability_of_yes,
    reranked,
)
from fieldguide.retrieval.systems.run import run_system
from fieldguide.retrieval.systems.sections.systems import System
from tests.builders import tiny_benchmark
from tests.models.endpoint import KEY, REFUSED, Answer, completion, endpoint, first_token, serve

TOP = 4
BASE = {"kind": "random", "seed": 3}


@pytest.fixture
def collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SearchCollection:
    monkeypatch.setenv("TEST_CHAT_KEY", KEY)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    tiny_benchmark(tmp_path)
    return SearchCollection(Paths(tmp_path))


def spec(base_url: str, **values: Any) -> System:
    chat = {"base_url": base_url, "model": "tiny", "api_key_variable": "TEST_CHAT_KEY", "retries": 0}
    section = {"kind": "rerank-vlm", "base": BASE, "chat": chat, "top": TOP, **values}
    return TypeAdapter(System).validate_python(section)  # type: ignore[no-any-return]


def by_subtopic(lines: list[RunLine]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line.subtopic_id, []).append(line.image_id)
    return found


def base_order(collection: SearchCollection) -> dict[str, list[str]]:
    return by_subtopic(list(run_system("base", TypeAdapter(System).validate_python(BASE), collection)))


def shown(body: Any) -> bytes:
    """The image that a request holds."""
    (_, part) = body["messages"][1]["content"]
    return base64.b64decode(part["image_url"]["url"].removeprefix("data:image/png;base64,"))


def test_the_best_of_the_base_system_are_ordered_by_what_the_model_says(collection: SearchCollection) -> None:
    # The model likes bright photographs; the test knows the order from the same bytes.
    photographs = Photographs(collection, 512)
    liked = {
        image: round(np.asarray(Image.open(io.BytesIO(photographs.png(row)))).mean()) % 11
        for row, image in enumerate(collection.gallery)
    }
    by_bytes = {photographs.png(row): liked[image] for row, image in enumerate(collection.gallery)}
    with endpoint(lambda _, body: Answer(completion(str(by_bytes[shown(body)])))) as server:
        lines = list(run_system("vlm", spec(server.base_url), collection))
        asked = len(server.requests)
        assert list(run_system("vlm", spec(server.base_url), collection)) == lines
        assert len(server.requests) == asked  # each asked once
    ours, theirs = by_subtopic(lines), base_order(collection)
    assert ours.keys() == theirs.keys()
    for subtopic, order in theirs.items():
        best = sorted(order[:TOP], key=lambda image: -liked[image])  # stable: equal grades keep the base's order
        assert ours[subtopic] == best + order[TOP:]
    texts = {body["messages"][1]["content"][0]["text"] for body in server.requests}
    assert all(phrase in "".join(texts) for phrase in collection.phrases.values())
    assert all("from 0 (not at all) to 10 (perfectly)" in text for text in texts)


def test_pools_are_reranked_too_and_the_question_may_be_asked(collection: SearchCollection) -> None:
    pools = {s.subtopic_id: collection.gallery[:6] for s in collection.subtopics}
    with serve(completion("5")) as server:
        values = {"query": "question", "prompt": "{query} 0-{scale}", "scale": 5}
        lines = list(run_system("vlm", spec(server.base_url, **values), collection, pools))
    assert {subtopic: sorted(images) for subtopic, images in by_subtopic(lines).items()} == {
        subtopic: sorted(images) for subtopic, images in pools.items()
    }
    asked = {body["messages"][1]["content"][0]["text"] for body in server.requests}
    assert asked == {f"{s.topic.text} 0-5" for s in collection.subtopics}


def test_what_is_refused_or_no_number_comes_after_what_was_graded(collection: SearchCollection) -> None:
    lock, answers = threading.Lock(), iter([REFUSED, Answer(completion("a pear")), Answer(completion("0"))] * 1000)

    def act(_: int, body: Any) -> Answer:
        with lock:
            return next(answers)

    with endpoint(act) as server:
        section = spec(server.base_url, top=3, chat={**_chat(server.base_url), "concurrency": 1})
        first = {s.subtopic_id for s in collection.subtopics[:1]}
        lines = [line for line in run_system("vlm", section, collection) if line.subtopic_id in first]
    order = base_order(collection)[lines[0].subtopic_id]
    assert [line.image_id for line in lines] == [order[2], order[0], order[1], *order[3:]]


def _chat(base_url: str) -> dict[str, Any]:
    return {"base_url": base_url, "model": "tiny", "api_key_variable": "TEST_CHAT_KEY", "retries": 0}


def test_an_endpoint_that_fails_ends_the_run(collection: SearchCollection) -> None:
    with serve((500, b"oops")) as server, pytest.raises(FieldguideError, match="HTTP 500"):
        list(run_system("vlm", spec(server.base_url), collection))


def test_large_photographs_are_shown_smaller(collection: SearchCollection) -> None:
    small = Image.open(io.BytesIO(Photographs(collection, 16).png(0)))
    assert max(small.size) == 16
    assert max(Image.open(io.BytesIO(Photographs(collection, 512).png(0))).size) == 24


@pytest.mark.parametrize(
    ("text", "expected"),
    [("7", 7), (" 7.\n", 7), ("7/10", 7), ("7 / 10.", 7), ("0", 0), ("10", 10), ("11", None), ("7/5", None),
     ("seven", None), ("7 or 8", None), ("-1", None), ("", None), ("٧", None), ("007", 7)],
)  # fmt: skip
def test_a_grade_is_a_number_and_nothing_else(text: str, expected: int | None) -> None:
    assert grade(Reply(text, "tiny", None, None), 10) == expected
    assert grade(Refused("no"), 10) is None


def test_scores_by_hand() -> None:
    scores = reranked(4, np.array([2, 0, 3]), [1, None])
    assert scores == pytest.approx([1 / 3, np.nan, 1 / 2 + 2, 1 / 4], nan_ok=True)


@pytest.mark.parametrize("prompt", ["look", "{query} {0}", "{query} {", "{scale}", "{query.__class__}"])
def test_a_prompt_that_cannot_be_filled_is_refused(prompt: str) -> None:
    with pytest.raises(ValidationError, match=r"prompt\n.*(needs \{query\}, may have \{scale\}|is no template)"):
        spec("http://localhost/v1", prompt=prompt)


def test_it_says_what_it_does() -> None:
    assert spec("http://localhost/v1").description == "the best 4 looked at by tiny (phrase), of: random order"


def seen(collection: SearchCollection) -> dict[bytes, tuple[str, dict[str, float]]]:
    """By a photograph's bytes: which one it is, and what the model finds likeliest: yes, the brighter it is."""
    photographs, found = Photographs(collection, 512), {}
    for row, image in enumerate(collection.gallery):
        data = photographs.png(row)
        bright = np.asarray(Image.open(io.BytesIO(data))).mean() / 255
        yes = {"Yes": 0.6 * bright, " yes": 0.1 * bright, "YES": 0.05 * bright}
        no = {"No": 0.5 * (1 - bright), "no": 0.3 * (1 - bright)}
        told = {token: math.log(p) for token, p in {**yes, **no, "Maybe": 0.01, "Yesterday": 0.02}.items()}
        found[data] = (image, told)
    return found


def test_the_best_are_ordered_by_how_probable_the_models_yes_is(collection: SearchCollection) -> None:
    photographs = seen(collection)
    # By plain sums of probabilities, which the system never takes.
    expected = {}
    for image, told in photographs.values():
        yes = sum(math.exp(told[token]) for token in ("Yes", " yes", "YES"))
        expected[image] = yes / (yes + sum(math.exp(told[token]) for token in ("No", "no")))
    with endpoint(lambda _, body: Answer(first_token(photographs[shown(body)][1]))) as server:
        section = spec(server.base_url, score="probability")
        lines = list(run_system("vlm", section, collection))
        asked = len(server.requests)
        assert list(run_system("vlm", section, collection)) == lines
        assert len(server.requests) == asked  # each asked once
    assert len(set(expected.values())) > TOP
    for subtopic, order in base_order(collection).items():
        ours = [line for line in lines if line.subtopic_id == subtopic]
        best = sorted(order[:TOP], key=lambda image: -expected[image])
        assert [line.image_id for line in ours] == best + order[TOP:]
        assert [line.score for line in ours[:TOP]] == pytest.approx([1 + expected[image] for image in best], abs=1e-6)
        assert max(line.score for line in ours[TOP:]) < 1 / 2
    texts = {body["messages"][1]["content"][0]["text"] for body in server.requests}
    phrases = {f"Does this picture show {collection.phrases[s.subtopic_id]}?" for s in collection.subtopics}
    assert {text.splitlines()[0] for text in texts} == phrases
    assert {(body["logprobs"], body["top_logprobs"], body["max_tokens"]) for body in server.requests} == {(True, 20, 1)}


@pytest.mark.parametrize(
    "answer",
    [
        completion("Yes", finish="length"),
        first_token({"Maybe": -0.1, "Yesterday": -3.0}),
        first_token({"Yes": float("nan"), "No": -0.1}),
        first_token({"Yes": 0.5}),
        first_token({"Yes": "-0.5"}),
        completion(None, refusal="I will not."),
    ],
)
def test_without_the_probability_of_yes_or_no_the_base_system_stands(
    collection: SearchCollection, answer: dict[str, Any]
) -> None:
    with serve(answer) as server:
        lines = list(run_system("vlm", spec(server.base_url, score="probability"), collection))
    assert by_subtopic(lines) == base_order(collection)
    assert max(line.score for line in lines) == 1 / 2  # 1 / (1 + rank): nothing was added


def test_what_has_no_probability_comes_after_what_has(collection: SearchCollection) -> None:
    lock, answers = threading.Lock(), iter([completion("Yes"), first_token({"No": -0.1}), REFUSED.body] * 1000)

    def act(_: int, body: Any) -> Answer:
        with lock:
            return Answer(next(answers))

    with endpoint(act) as server:
        chat = {**_chat(server.base_url), "concurrency": 1}
        lines = list(run_system("vlm", spec(server.base_url, score="probability", top=3, chat=chat), collection))
    first = [line for line in lines if line.subtopic_id == collection.subtopics[0].subtopic_id]
    order = base_order(collection)[first[0].subtopic_id]
    assert [line.image_id for line in first] == [order[1], order[0], *order[2:]]
    assert first[0].score == 1  # a certain no is an answer


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ([("Yes", -1.0), ("No", -1.0)], 0.5),
        ([("YES\n", math.log(0.2)), ("yes", math.log(0.4)), (" No", math.log(0.2))], 0.75),
        ([("Yes", -3.0)], 1.0),
        ([("no", -3.0), ("Yesterday", -0.1), ("not", -0.1)], 0.0),
        ([("Yes", -9000.0), ("No", -9000.0 + math.log(3))], 0.25),  # both vanish as probabilities
        ([("Maybe", -0.1)], None),
        ([], None),
        (None, None),
    ],
)
def test_probabilities_by_hand(first: list[tuple[str, float]] | None, expected: float | None) -> None:
    found = probability_of_yes(Reply("Yes", "tiny", None, None, None if first is None else tuple(first)))
    assert found == (None if expected is None else pytest.approx(expected))
    assert probability_of_yes(Refused("no")) is None


def test_equal_probabilities_keep_the_bases_order_in_single_precision() -> None:
    ranked = np.random.default_rng(5).permutation(1000)
    for p in (0.0, 1.0):
        scores = by_probability(1001, ranked, [p] * 999).astype(np.float32)
        assert np.argsort(-scores[ranked], kind="stable").tolist() == list(range(1000))
        assert len(set(scores[ranked].tolist())) == 1000
        assert scores[ranked[:999]] == pytest.approx(1 + p, abs=2e-4)
        assert np.isnan(scores[1000])


def test_a_prompt_for_yes_or_no_has_no_scale() -> None:
    with pytest.raises(ValidationError, match=r"needs \{query\}, and nothing else in braces"):
        spec("http://localhost/v1", score="probability", prompt="{query} 0-{scale}")


def test_it_says_that_it_goes_by_probability() -> None:
    told = spec("http://localhost/v1", score="probability").description
    assert told == "the best 4 looked at by tiny (phrase), by the probability of its yes, of: random order"
