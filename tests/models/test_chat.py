import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fieldguide.core.errors import FieldguideError
from fieldguide.models.calls.caller import open_caller
from fieldguide.models.calls.chat import Chat, Prompt, Reply
from fieldguide.models.calls.section import ChatEndpoint
from fieldguide.models.loading.protocols import Refused
from tests.models.endpoint import KEY, Act, completion, first_token, serve

GOOD = (200, completion("hello"))
# What an endpoint answers when it quotes the key that it does not like.
QUOTED = {"error": {"message": f"Incorrect API key provided: {KEY}", "type": "invalid_request_error"}}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CHAT_KEY", KEY)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def spec(base_url: str, **changes: Any) -> ChatEndpoint:
    values = {"base_url": base_url, "model": "tiny", "api_key_variable": "TEST_CHAT_KEY", "retries": 2, "seed": 5}
    return ChatEndpoint.model_validate({**values, **changes})


def chat(root: Path, base_url: str, **changes: Any) -> Chat:
    return Chat(spec(base_url, **changes), open_caller(root))


def test_asks_with_temperature_seed_and_key_and_counts_tokens(tmp_path: Path) -> None:
    with serve(GOOD) as server:
        reply = chat(tmp_path, server.base_url).ask("be kind", "hi")
    assert reply == Reply("hello", "tiny-1", 7, 3)
    (request,) = server.requests
    assert request["messages"] == [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]
    assert (request["model"], request["temperature"], request["seed"]) == ("tiny", 0.0, 5)
    assert server.keys == [f"Bearer {KEY}"]


def test_a_prompt_is_asked_once_and_then_needs_neither_key_nor_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(GOOD) as server:
        first = chat(tmp_path, server.base_url).ask("s", "u")
        assert chat(tmp_path, server.base_url, timeout=9).ask("s", "u") == first
        assert len(server.requests) == 1
        chat(tmp_path, server.base_url, seed=6).ask("s", "u")
        chat(tmp_path, server.base_url).ask("s", "u2")
        chat(tmp_path, server.base_url).ask("su", "")
        assert len(server.requests) == 4
    monkeypatch.delenv("TEST_CHAT_KEY")
    assert chat(tmp_path, server.base_url).ask("s", "u") == first


@pytest.mark.parametrize("bad", [(429, {"error": {"message": "slow down"}}), (500, b"oops"), (503, b"")])
def test_what_may_pass_is_retried(tmp_path: Path, bad: Act) -> None:
    with serve(bad, bad, GOOD) as server:
        reply = chat(tmp_path, server.base_url).ask("s", "u")
    assert isinstance(reply, Reply)
    assert len(server.requests) == 3


def test_a_silent_endpoint_is_retried_and_then_told(tmp_path: Path) -> None:
    with serve(0.6) as server, pytest.raises(FieldguideError, match="no answer in time; raise `timeout`"):
        chat(tmp_path, server.base_url, timeout=0.2, retries=1).ask("s", "u")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("act", "asked", "expected"),
    [
        ((500, {"error": {"message": f"broken {KEY}"}}), 3, r"HTTP 500: broken \*\*\* \(tried 3 times\)"),
        ((401, QUOTED), 1, "HTTP 401: the key is not accepted"),
        ((403, QUOTED), 1, "HTTP 403: the key is not accepted"),
        ((400, {"error": {"message": f"no seed; {KEY}"}}), 1, "HTTP 400: .*no seed"),
        ((200, b'{"choices": [{'), 1, "the answer is not JSON"),
        ((200, b"<html>hello</html>"), 1, "the answer is not JSON"),
        ((200, {"choices": []}), 1, "not a chat completion"),
        ((200, {"choices": None}), 1, "not a chat completion"),
        ((200, [1]), 1, "not a chat completion"),
        ((200, completion(None)), 1, "the reply is empty"),
        ((200, completion("  ")), 1, "the reply is empty"),
        ((200, completion("cut o", finish="length")), 1, "cut off at the endpoint's limit of tokens"),
    ],
)
def test_what_is_wrong_is_told_and_neither_key_nor_reply_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, act: Act, asked: int, expected: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(act) as server, pytest.raises(FieldguideError, match=expected) as caught:
        chat(tmp_path, server.base_url).ask("s", "u")
    assert str(caught.value).startswith("chat: tiny at http://127.0.0.1:")
    assert len(server.requests) == asked
    assert KEY not in str(caught.value) + repr(caught.value) + caplog.text
    assert not list(tmp_path.rglob("*.json*"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (completion(None, refusal="I will not."), "I will not."),
        (completion("half", finish="content_filter"), "stopped by the endpoint's content filter"),
    ],
)
def test_a_refusal_is_kept_and_not_asked_again(tmp_path: Path, answer: dict[str, Any], reason: str) -> None:
    with serve((200, answer)) as server:
        assert chat(tmp_path, server.base_url).ask("s", "u") == Refused(reason)
        assert chat(tmp_path, server.base_url).ask("s", "u") == Refused(reason)
    assert len(server.requests) == 1


def test_an_endpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match=r"^chat: tiny at http://127.0.0.1:9/v1: cannot be reached"):
        chat(tmp_path, "http://127.0.0.1:9/v1", retries=0, timeout=2).ask("s", "u")


def test_an_address_with_a_password_is_none() -> None:
    with pytest.raises(ValidationError, match="secrets belong into the environment"):
        spec("http://user:pass@127.0.0.1:9/v1")


@pytest.mark.parametrize("value", ["", "  "])
def test_without_a_key_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TEST_CHAT_KEY", value)
    with pytest.raises(
        FieldguideError, match="the environment variable TEST_CHAT_KEY is empty; put the key of tiny at"
    ):
        chat(tmp_path, "http://127.0.0.1:9/v1").ask("s", "u")


def test_no_key_is_stored(tmp_path: Path) -> None:
    with serve(GOOD) as server:
        chat(tmp_path, server.base_url).ask("s", "u")
    (stored,) = tmp_path.rglob("*.json")
    assert KEY not in stored.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": "Reply"}', '{"kind": "Reply", "more": 1}'])
def test_a_stored_reply_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    with serve(GOOD) as server:
        chat(tmp_path, server.base_url).ask("s", "u")
        (stored,) = tmp_path.rglob("*.json")
        stored.write_text(text, encoding="utf-8")
        with pytest.raises(FieldguideError, match="not a stored call; delete it"):
            chat(tmp_path, server.base_url).ask("s", "u")


FIRST = Prompt("s", "yes or no?", likeliest=5)


def without_logprobs(text: str | None, finish: str = "length") -> dict[str, Any]:
    return completion(text, finish=finish, usage=(7, 1))


def test_the_likeliest_first_tokens_are_asked_for_once_and_kept(tmp_path: Path) -> None:
    likeliest = {"Yes": -0.25, " no": -1.5, "\N{GRINNING FACE}": 0}
    with serve(first_token(likeliest), GOOD) as server:
        (reply,) = chat(tmp_path, server.base_url).ask_all([FIRST])
        assert reply == Reply("Yes", "tiny-1", 7, 1, tuple(likeliest.items()))
        assert list(chat(tmp_path, server.base_url).ask_all([FIRST])) == [reply]
        chat(tmp_path, server.base_url).ask(FIRST.system, FIRST.user)
    asked, whole = server.requests
    assert {name: asked.pop(name) for name in ("logprobs", "top_logprobs", "max_tokens")} == {
        "logprobs": True, "top_logprobs": 5, "max_tokens": 1,
    }  # fmt: skip
    assert whole.pop("max_tokens") == 2048
    assert asked == whole  # nothing else, and a prompt that wants a reply says nothing of tokens


def test_a_first_token_is_bounded_by_the_name_that_the_endpoint_knows_and_costs_one(tmp_path: Path) -> None:
    with serve(first_token({"No": -0.1}, "No")) as server:
        asking = chat(tmp_path, server.base_url, limit_name="max_completion_tokens")
        list(asking.ask_all([FIRST]))
        assert (asking.request(FIRST).most.output_tokens, asking.request(FIRST).likely.output_tokens) == (1, 1)
    assert server.requests[0]["max_completion_tokens"] == 1
    assert "max_tokens" not in server.requests[0]


@pytest.mark.parametrize(
    "answer",
    [
        without_logprobs("Yes"),
        without_logprobs(None),
        first_token({"Yes": -0.1, "No": float("nan")}),
        first_token({"Yes": float("-inf")}),
        first_token({"Yes": 0.1}),
        first_token({"Yes": "-0.1"}),
        first_token({"Yes": None}),
        first_token({"Yes": True}),
        completion("Yes") | {"choices": [{"message": {"content": "Yes"}, "logprobs": {"content": []}}]},
        completion("Yes") | {"choices": [{"message": {"content": "Yes"}, "logprobs": [1]}]},
    ],
)
def test_first_tokens_that_do_not_come_or_are_broken_are_none_and_no_error(
    tmp_path: Path, answer: dict[str, Any]
) -> None:
    with serve(answer) as server:
        for _ in range(2):
            (reply,) = chat(tmp_path, server.base_url).ask_all([FIRST])
            assert isinstance(reply, Reply)
            assert reply.first is None
    assert len(server.requests) == 1


def test_a_refusal_of_a_first_token_is_one(tmp_path: Path) -> None:
    with serve(completion(None, refusal="I will not.")) as server:
        assert list(chat(tmp_path, server.base_url).ask_all([FIRST])) == [Refused("I will not.")]


def test_stored_first_tokens_that_are_none_are_told(tmp_path: Path) -> None:
    with serve(first_token({"Yes": -0.25})) as server:
        list(chat(tmp_path, server.base_url).ask_all([FIRST]))
        (stored,) = tmp_path.rglob("*.json")
        stored.write_text(stored.read_text(encoding="utf-8").replace("-0.25", "0.25"), encoding="utf-8")
        with pytest.raises(FieldguideError, match="holds no reply of a chat model; delete it"):
            list(chat(tmp_path, server.base_url).ask_all([FIRST]))
