"""Calls: once, within the budget, with retries of what may pass and none of refusals."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from fieldguide.core.errors import FieldguideError
from fieldguide.models.calls.budget import BudgetError
from fieldguide.models.calls.caller import open_caller
from fieldguide.models.calls.chat import Chat, Prompt, Reply
from fieldguide.models.calls.section import ChatEndpoint
from fieldguide.models.calls.store import Call
from fieldguide.models.loading.protocols import Refused
from tests.models.endpoint import (
    BROKEN_JSON,
    CUT,
    HTTP_500,
    HTTP_503,
    KEY,
    MODERATED,
    NO_QUOTA,
    RATE_LIMITED,
    REFUSED,
    Answer,
    completion,
    endpoint,
    failure,
    serve,
    slow_body,
)

GOOD = completion("hello", usage=(100, 10))
# A prompt of two characters: at most 2 + 2 x 16 tokens, and at most 50 of a reply.
MOST = (34 * 10 + 50 * 20) / 1e6
PRICE = {"input": 10, "output": 20}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_CHAT_KEY", KEY)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def chat(root: Path, base_url: str, budget: float | None = None, **changes: Any) -> Chat:
    """A chat model whose price stands in params.yaml with the budget; free where there is none."""
    if budget is not None:
        section = {"calls": {"budget": budget, "prices": {"tiny": PRICE}}}
        (root / "params.yaml").write_text(yaml.safe_dump(section), encoding="utf-8")
    values = {
        "base_url": base_url,
        "model": "tiny",
        "api_key_variable": "TEST_CHAT_KEY",
        "retries": 2,
        "max_tokens": 50,
    }
    calls = open_caller(root)
    calls._sleep = lambda _: None  # waits are under test in test_rates.py
    return Chat(ChatEndpoint.model_validate({**values, **changes}), calls)


def stored(root: Path) -> list[Call]:
    return list(open_caller(root).store.calls())


def test_a_call_is_kept_with_prompt_parameters_reply_tokens_cost_and_seconds(tmp_path: Path) -> None:
    with serve(HTTP_500, GOOD) as server:
        chat(tmp_path, server.base_url, budget=1).ask("s", "u")
    (call,) = stored(tmp_path)
    assert call.request["messages"][1] == {"role": "user", "content": "u"}
    assert (call.request["model"], call.request["temperature"], call.request["max_tokens"]) == ("tiny", 0.0, 50)
    assert (call.reply, call.model, call.refused) == ({"text": "hello"}, "tiny-1", None)
    assert (call.usage.input_tokens, call.usage.output_tokens, call.counted) == (100, 10, True)
    assert call.cost == pytest.approx((100 * 10 + 10 * 20) / 1e6)
    assert call.seconds > 0
    assert call.attempts == 2
    assert call.asked_at.endswith("+00:00")


def test_temperature_and_seed_are_sent_where_given(tmp_path: Path) -> None:
    with serve(GOOD) as server:
        one = chat(tmp_path, server.base_url, temperature=None, seed=None, limit_name="max_completion_tokens")
        one.ask("s", "u")
    (request,) = server.requests
    assert not {"temperature", "seed", "max_tokens"} & set(request)
    assert request["max_completion_tokens"] == 50


def test_images_are_sent_and_only_their_hashes_are_kept(tmp_path: Path) -> None:
    with serve(GOOD) as server:
        chat(tmp_path, server.base_url).ask("s", "u", [b"\x89PNG one"])
        chat(tmp_path, server.base_url).ask("s", "u", [b"\x89PNG one"])
        chat(tmp_path, server.base_url).ask("s", "u", [b"\x89PNG two"])
    assert len(server.requests) == 2
    assert server.requests[0]["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert all("base64" not in json.dumps(call.request) for call in stored(tmp_path))


@pytest.mark.parametrize("bad", [RATE_LIMITED, HTTP_500, HTTP_503, CUT, failure(408, "late"), failure(409, "lock")])
def test_what_may_pass_is_asked_again_and_no_more_often_than_allowed(tmp_path: Path, bad: Answer) -> None:
    with serve(bad, bad, GOOD) as server:
        assert isinstance(chat(tmp_path, server.base_url).ask("s", "u"), Reply)
    assert len(server.requests) == 3
    with serve(bad) as server, pytest.raises(FieldguideError, match="chat: tiny at"):
        chat(tmp_path, server.base_url).ask("s", "u")
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (NO_QUOTA, "HTTP 429: you exceeded your current quota"),
        (failure(429, "come back tomorrow", **{"retry-after-ms": "90000000"}), "HTTP 429: come back tomorrow$"),
        (failure(404, "no such model"), "HTTP 404: no such model"),
        (BROKEN_JSON, "the answer is not JSON"),
        (Answer(completion("half \ud800")), "what cannot be stored as JSON"),
        (Answer(completion("hello", usage=(10**400, 1))), "counts more than 1000000000 tokens"),
        (Answer(completion("hello", usage=(-1, 1))), r"not a chat completion \(usage.prompt_tokens: "),
        (Answer(b"[" * 100_000), "the answer is not JSON"),
        (failure(302, "elsewhere", Location="http://127.0.0.1:9/v1"), "HTTP 302"),
    ],
)
def test_what_will_not_pass_is_asked_once_and_told(tmp_path: Path, bad: Answer, says: str) -> None:
    with serve(bad) as server, pytest.raises(FieldguideError, match=says):
        chat(tmp_path, server.base_url).ask("s", "u")
    assert len(server.requests) == 1
    assert stored(tmp_path) == []


@pytest.mark.parametrize("no", [REFUSED, MODERATED, failure(400, "filtered", "content_filter")])
def test_a_refusal_is_kept_and_never_asked_again(tmp_path: Path, no: Answer) -> None:
    with serve(no) as server:
        first = chat(tmp_path, server.base_url).ask("s", "u")
        assert chat(tmp_path, server.base_url).ask("s", "u") == first
    assert isinstance(first, Refused)
    assert len(server.requests) == 1


def test_a_body_that_drips_ends_at_the_timeout(tmp_path: Path) -> None:
    with serve(slow_body(GOOD)) as server, pytest.raises(FieldguideError, match="no answer in time"):
        chat(tmp_path, server.base_url, timeout=0.3, retries=0).ask("s", "u")


def test_an_answer_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldguide.models.calls.endpoints._LARGEST", 1000)
    with serve(completion("a" * 2000)) as server, pytest.raises(FieldguideError, match="has more than 1000 bytes"):
        chat(tmp_path, server.base_url, retries=0).ask("s", "u")


def test_a_word_instead_of_a_key_is_not_taken_out_of_what_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_CHAT_KEY", "no")
    with serve(failure(404, "no such model")) as server, pytest.raises(FieldguideError, match="no such model"):
        chat(tmp_path, server.base_url).ask("s", "u")


def test_looking_at_what_was_spent_writes_nothing_into_the_benchmark(tmp_path: Path) -> None:
    assert open_caller(tmp_path).budget.spent() == 0
    assert not (tmp_path / "data").exists()


def test_one_prompt_asked_by_many_threads_is_sent_once(tmp_path: Path) -> None:
    with serve(Answer(GOOD, silence=0.1)) as server:
        replies = list(chat(tmp_path, server.base_url, concurrency=8).ask_all([Prompt("s", "u")] * 8))
    assert len(server.requests) == 1
    assert replies == [Reply("hello", "tiny-1", 100, 10)] * 8


def test_no_more_than_concurrency_are_asked_at_once_and_replies_keep_their_order(tmp_path: Path) -> None:
    def act(number: int, body: Any) -> Answer:
        return Answer(completion(body["messages"][1]["content"]), silence=0.05)

    with endpoint(act) as server:
        prompts = [Prompt("s", f"prompt {n}") for n in range(12)]
        replies = list(chat(tmp_path, server.base_url, concurrency=3).ask_all(prompts))
    assert [reply.text for reply in replies if isinstance(reply, Reply)] == [prompt.user for prompt in prompts]
    assert 1 < server.most_at_once <= 3


def test_the_budget_stops_before_a_call_that_might_exceed_it(tmp_path: Path) -> None:
    limit = 2.5 * MOST
    answer = completion("hello", usage=(34, 50))  # as much as it can be
    with serve(answer) as server:
        one = chat(tmp_path, server.base_url, budget=limit)
        one.ask("s", "0")
        one.ask("s", "1")
        with pytest.raises(BudgetError, match=r"it may cost up to 0\.0013, and 0\.0027 of calls\.budget 0\.0034 are"):
            one.ask("s", "2")
        assert len(server.requests) == 2
        one.ask("s", "1")  # what is kept costs nothing
    assert one.calls.budget.spent() == pytest.approx(2 * MOST)
    with serve(answer) as server, pytest.raises(BudgetError):  # nor does another run begin anew
        chat(tmp_path, server.base_url, budget=limit).ask("s", "2")
    assert server.requests == []


def test_what_was_set_aside_and_not_used_may_be_spent(tmp_path: Path) -> None:
    with serve(completion("hello", usage=(1, 1))) as server:
        one = chat(tmp_path, server.base_url, budget=1.5 * MOST)
        for n in range(5):
            one.ask("s", str(n))
    assert one.calls.budget.spent() == pytest.approx(5 * 30 / 1e6)


def test_threads_wait_for_each_others_money_and_never_exceed_the_budget(tmp_path: Path) -> None:
    with serve(Answer(completion("hello", usage=(34, 40)), silence=0.02)) as server:
        one = chat(tmp_path, server.base_url, budget=3.2 * MOST, concurrency=8)
        asked = (one.ask_all([Prompt("s", str(n))]) for n in range(8))
        outcomes: list[Any] = []

        def take(replies: Any) -> None:
            try:
                outcomes.extend(replies)
            except BudgetError as error:
                outcomes.append(error)

        threads = [threading.Thread(target=take, args=(replies,)) for replies in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # Each call costs 0.00114 of the 0.00134 set aside; 0.004288 are enough for three calls.
    assert sum(isinstance(outcome, Reply) for outcome in outcomes) == len(server.requests) == 3
    assert sum(isinstance(outcome, BudgetError) for outcome in outcomes) == 5
    assert one.calls.budget.spent() <= 3.2 * MOST


@pytest.mark.parametrize(
    ("answer", "spent"),
    [
        (HTTP_500, 0.0),
        (failure(400, "no"), 0.0),
        (MODERATED, 0.0),
        (0.5, MOST),  # it may have been answered, and billed
        (CUT, MOST),
        (BROKEN_JSON, MOST),
        (completion("cut o", finish="length", usage=(34, 50)), MOST),
        (completion(" ", usage=(10, 0)), 1e-4),
        (completion("hello", usage=None), MOST),  # not counted
        (completion(None, refusal="No.", usage=(10, 5)), 2e-4),
    ],
)
def test_what_may_have_been_billed_counts_as_spent(tmp_path: Path, answer: Any, spent: float) -> None:
    with serve(answer) as server:
        one = chat(tmp_path, server.base_url, budget=1, retries=0, timeout=0.3)
        with contextlib.suppress(FieldguideError):
            one.ask("s", "u")
    assert one.calls.budget.spent() == pytest.approx(spent)


def test_an_endpoint_that_is_not_there_costs_nothing(tmp_path: Path) -> None:
    one = chat(tmp_path, "http://127.0.0.1:9/v1", budget=1, retries=0)
    with pytest.raises(FieldguideError, match="cannot be reached"):
        one.ask("s", "u")
    assert one.calls.budget.spent() == 0


def test_a_process_that_died_before_its_answer_leaves_its_money_set_aside(tmp_path: Path) -> None:
    one = chat(tmp_path, "http://127.0.0.1:9/v1", budget=1)
    one.calls.budget.reserve("a call", 0.25)
    ledger = tmp_path / "data" / "calls" / "ledger.jsonl"
    with ledger.open("ab") as stream:
        stream.write(b'{"id": 2, "most": 0.')  # it died while writing: this was never sent
    again = chat(tmp_path, "http://127.0.0.1:9/v1", budget=1).calls.budget
    assert again.spent() == 0.25
    again.settle(again.reserve("a call", 0.5), 0.125)
    assert chat(tmp_path, "http://127.0.0.1:9/v1").calls.budget.spent() == 0.375


def test_a_ledger_that_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    one = chat(tmp_path, "http://127.0.0.1:9/v1", budget=1)
    ledger = tmp_path / "data" / "calls" / "ledger.jsonl"
    ledger.parent.mkdir(parents=True)
    ledger.write_text('{"id": 1, "most": 0.5}\nnot an entry\n')
    with pytest.raises(FieldguideError, match=r"line 2 .* is no entry; the money spent is not known"):
        one.ask("s", "u")


def _spend(root: str, times: int) -> None:
    budget = open_caller(Path(root)).budget
    for _ in range(times):
        try:
            budget.settle(budget.reserve("a call", 1.0), 1.0)
        except BudgetError:
            return


def test_processes_share_one_budget(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("calls: {budget: 50}\n", encoding="utf-8")
    spawn = multiprocessing.get_context("fork")
    processes = [spawn.Process(target=_spend, args=(str(tmp_path), 20)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert open_caller(tmp_path).budget.spent() == 50.0


def test_a_model_elsewhere_needs_a_price(tmp_path: Path) -> None:
    one = chat(tmp_path, "https://api.invalid/v1")
    with pytest.raises(FieldguideError, match=r"calls\.prices has no 'tiny'; without it no budget can be kept"):
        one.ask("s", "u")


def test_a_priced_model_needs_a_budget(tmp_path: Path) -> None:
    with serve(GOOD) as server, pytest.raises(BudgetError, match=r"Raise calls\.budget in params.yaml"):
        chat(tmp_path, server.base_url, budget=0).ask("s", "u")
    assert server.requests == []


def test_wrong_keys_of_the_section_are_told(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("calls: {budget: -1, prices: {a: {inputs: 1}}}\n", encoding="utf-8")
    with pytest.raises(FieldguideError) as caught:
        open_caller(tmp_path)
    assert "calls.budget" in str(caught.value)
    assert "calls.prices.a.inputs" in str(caught.value)
