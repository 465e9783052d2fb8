"""Judges, and what the published procedure makes of their replies."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from fieldguide.answering.asking import AskedTopics, closed_outcome, judged_outcome
from fieldguide.answering.contexts.choosing import Context
from fieldguide.answering.scoring.judging import PAPER, SYSTEM, Judges, Verdict, combined, paper_score, read_score
from fieldguide.answering.section import JudgeModels
from fieldguide.core.paths import Paths
from fieldguide.models.calls.caller import UnansweredError
from fieldguide.models.calls.chat import Reply
from fieldguide.models.loading.protocols import Refused
from tests.answering.answerers.chats import chat_values, serve_by_question
from tests.answering.benchmark import ask, chooser
from tests.models.endpoint import HTTP_500, REFUSED, Act, Answer, completion, endpoint

# A judge's reply; what the published parser makes of it; what ours does (a: abstained).
REPLIES: list[tuple[str, float, float | str | None]] = [
    ("Score: 1", 1, 1),
    ("Score: 0", 0, 0),
    ("Score: 0.5", 0.5, 0.5),
    ("score: 0.25", 0.25, 0.25),
    ("SCORE: 1.0", 1, 1),
    ("Score:1", 1, 1),
    ("Score : 0.75", 0.75, 0.75),
    ("It agrees.\nScore: 1", 1, 1),
    ("It agrees in part.\n\nScore: 0.5\n", 0.5, 0.5),
    ("Score: 1.\nThat is all.", 1, 1),
    ("Score: 0.3\nNo, on reflection:\nScore: 0.6", 0.6, 0.6),
    ("First Score: 0.2, then Score: 0.4, then Score: 0.8", 0.8, 0.8),
    ("Score: 1 for colour. Score: 0 for shape.", 0, 0),
    ("The score: 0.9", 0.9, 0.9),
    ("Final score: 0.7", 0.7, 0.7),
    ("Score: 0.5 (half of it is said)", 0.5, 0.5),
    ("Score:\n0.5", 0.5, 0.5),
    ("Score:   0.125", 0.125, 0.125),
    ("Score: 00", 0, 0),
    ("Score: 0.", 0, 0),
    ("Score: -0.5", -0.5, None),
    ("Says a feature that is not there.\nScore: -0.5", -0.5, None),
    ("Score: -0", 0, 0),
    ("Score: -1", -1, None),
    ("Score: 2", 2, None),
    ("Score: 7", 7, None),
    ("Score: 85", 85, None),
    ("Score: 1.5", 1.5, None),
    ("Score: 8/10", 8, 0.8),
    ("Score: 1/1", 1, 1),
    ("Score: 3 / 4", 3, 0.75),
    ("Score: 1/0", 1, None),
    ("**Score:** 1", 0, 1),
    ("**Score: 1**", 1, 1),
    ("Score: **0.5**", 0, 0.5),
    ("Score = 0.5", 0, 0.5),
    ("Score: +0.5", 0, 0.5),
    ("Score: abstained", 0, "abstained"),
    ("Score: Abstain", 0, "abstained"),
    ("It does not say.\n`Score: abstained`", 0, "abstained"),
    ("Score: 0.5\nScore: abstained", 0.5, "abstained"),
    ("Score: high", 0, None),
    ("Score: one", 0, None),
    ("Score:", 0, None),
    ("Score", 0, None),
    ("1", 0, None),
    ("The answer is right.", 0, None),
    ("Rating: 1", 0, None),
    ("I'm sorry, I cannot grade this.", 0, None),
    ("Score is 1", 0, None),
    ("", 0, None),
    ("underscore: 1", 1, 1),
]


def published(reply: str) -> float:
    """The last number behind the word and a colon, as the procedure is described; 0 where there is none."""
    score = 0.0
    for found in re.finditer("score", reply, re.IGNORECASE):
        rest = reply[found.end() :].lstrip()
        if rest.startswith(":"):
            number = re.match(r"-?\d+(\.\d+)?", rest[1:].lstrip())
            score = float(number[0]) if number else score
    return score


@pytest.mark.parametrize(("reply", "paper", "ours"), REPLIES)
def test_scores_of_both_parsers(reply: str, paper: float, ours: float | str | None) -> None:
    assert paper_score(reply) == paper == published(reply)
    assert read_score(reply) == ours


def test_there_are_enough_replies() -> None:
    assert len(REPLIES) >= 50


def reply(text: str, cost: float = 0.0, model: str = "m") -> Reply:
    return Reply(text, model, 1, 1, cost=cost)


def test_an_unreadable_judge_is_no_wrong_answer() -> None:
    """Three right answers, of which one judge's reply could not be read."""
    replies = ["Score: 1", "The answer agrees with the reference entirely.", "Score: 1"]
    assert statistics.fmean(map(paper_score, replies)) == pytest.approx(2 / 3)  # as if the second were wrong
    ours = [combined([reply(text)], "j") for text in replies]
    outcomes = [judged_outcome(verdict)["outcome"] for verdict in ours]
    assert outcomes == ["correct", "unscored", "correct"]
    assert statistics.fmean(v.score for v in ours if v.score is not None) == 1
    assert ours[1].reason == "m gave no score"


def made_judges(root: Path, *chats: Any, preset: str | None = None) -> Judges:
    return Judges(JudgeModels.model_validate({"chats": list(chats), "preset": preset}), root)


def judge_of(base_url: str, model: str = "judge") -> dict[str, Any]:
    """The chat model of a judge, as params.yaml has it."""
    values: dict[str, Any] = chat_values(base_url, model=model)["chat"]
    return values


@pytest.mark.usefixtures("chat_key")
def test_a_run_that_was_interrupted_is_no_smaller_run(own_paths: Paths) -> None:
    """Of three answers in free words the one that is wrong is judged last, and the judge is gone by then."""
    acts: dict[str, Act] = {"satsuma": HTTP_500}

    def act(_: int, body: Any) -> Act:
        if body["model"] != "judge":
            return Answer(completion("It is red."))
        question = body["messages"][1]["content"].partition("\n")[0]
        return next((a for name, a in acts.items() if name in question), Answer(completion("Score: 1")))

    def judged() -> list[dict[str, Any]]:
        rows = ask(own_paths, chat_values(server.base_url), Context("none"), judges)
        return [row for row in rows if row["scored_by"] == "judge"]

    with endpoint(act) as server:
        judges = made_judges(own_paths.root, judge_of(server.base_url))
        interrupted = judged()
        acts["satsuma"] = Answer(completion("Score: 0"))
        resumed = judged()
        asked = [body["messages"][1]["content"] for body in server.requests if body["model"] == "judge"]
    scored = [row["score"] for row in interrupted if row["score"] is not None]
    assert (len(scored), statistics.fmean(scored)) == (2, 1.0)  # the figure of a procedure that averages what is there
    assert [row["outcome"] for row in interrupted].count("unscored") == 1  # ours says that one is missing, and why
    (why,) = (row["reason"] for row in interrupted if row["outcome"] == "unscored")
    assert "HTTP 500" in why
    assert statistics.fmean(row["score"] for row in resumed) == pytest.approx(2 / 3)
    assert len(set(asked)) == 3
    assert len(asked) == 3 + 2  # the third was tried twice in the first run, once in the second


@pytest.mark.usefixtures("chat_key")
def test_an_answer_is_scored_by_its_own_question(own_paths: Paths) -> None:
    """All answers are right, and the first question is refused."""
    material = chooser(own_paths).material
    asked = AskedTopics.of(material.topics, material.names, False)
    right = {topic.text: f"### Answer\n{topic.answer}" for topic in asked.topics}
    acts: dict[str, Any] = {text: completion(words) for text, words in right.items()}
    with serve_by_question({**acts, asked.topics[0].text: REFUSED}, HTTP_500) as server:
        rows = ask(own_paths, chat_values(server.base_url), Context("none"))
    given = [row["reply"] for row in rows if row["reply"] is not None]
    shifted = [
        closed_outcome(words, topic, asked.references[topic.topic_id], asked.names)["score"]
        for topic, words in zip(asked.topics, given, strict=False)
    ]
    assert statistics.fmean(shifted) < 1  # the figure of a procedure that puts the answers it has beside the questions
    assert [row["outcome"] for row in rows] == ["unscored", "correct", "correct", "correct"]


@pytest.mark.parametrize(
    ("texts", "score", "abstained"),
    [
        (["Score: 1"], 1.0, False),
        (["Score: 0.25"], 0.25, False),
        (["Score: abstained"], 0.0, True),
        (["Score: 0", "Score: 1"], 0.5, False),
        (["Score: 0", "Score: 0.5", "Score: 1"], 0.5, False),
        (["Score: 0", "Score: 1", "Score: 1"], 1.0, False),
        (["Score: abstained", "Score: abstained", "Score: 1"], 0.0, True),
        (["Score: abstained", "Score: 1", "Score: 1"], 1.0, False),
        (["Score: abstained", "Score: 1"], 0.5, False),
        (["nothing", "Score: 0.5", "Score: 1"], 0.75, False),
        (["nothing", "Score: abstained", "Score: abstained"], 0.0, True),
        (["nothing", "Score: 1"], None, False),
        (["nothing", "nothing", "Score: 1"], None, False),
        (["Score: -0.5"], None, False),
        (["Score: 7", "Score: 7", "Score: 7"], None, False),
    ],
)
def test_the_median_of_those_that_gave_a_score(texts: Sequence[str], score: float | None, abstained: bool) -> None:
    verdict = combined([reply(text, cost=0.25) for text in texts], "us")
    assert (verdict.score, verdict.abstained, verdict.by) == (score, abstained, "us")
    assert verdict.cost == 0.25 * len(texts)
    assert (verdict.reason is None) == (score is not None)


@pytest.mark.parametrize("failed", [Refused("no wish to"), UnansweredError("chat: m at x: HTTP 500")])
def test_a_judge_that_fails_counts_for_nothing(failed: Refused | UnansweredError) -> None:
    alone = combined([failed], "us")
    assert alone.score is None
    assert alone.reason in ("no wish to", "chat: m at x: HTTP 500")
    assert combined([failed, reply("Score: 1"), reply("Score: 0.5")], "us").score == 0.75
    half = combined([failed, reply("Score: 1")], "us")
    assert (half.score, half.reason) == (None, alone.reason)
    assert combined([failed, failed, reply("Hm.", model="n")], "us").reason == f"{alone.reason}; {alone.reason}; " + (
        "n gave no score"
    )


@pytest.mark.usefixtures("chat_key")
def test_several_judges_one_of_which_fails(tmp_path: Path) -> None:
    acts = {"a": Answer(completion("Score: 1", usage=(5, 5))), "b": HTTP_500, "c": Answer(completion("Score: 0.5"))}
    with endpoint(lambda _, body: acts[body["model"]]) as server:
        judges = made_judges(tmp_path, *(judge_of(server.base_url, model) for model in acts))
        asked = [("Which?", "The kite.", "A kite."), ("What?", "Red.", "Blue.")]
        verdicts = judges.score(asked)
        assert judges.score(asked) == verdicts
        prompts = [body["messages"] for body in server.requests if body["model"] == "a"]
    assert [(verdict.score, verdict.by, verdict.reason) for verdict in verdicts] == [(0.75, "a, b, c", None)] * 2
    assert len(prompts) == 2  # each is asked once
    told = sorted(messages[1]["content"] for messages in prompts)
    assert told == [
        "Question: What?\nReference: Red.\nAnswer: Blue.",
        "Question: Which?\nReference: The kite.\nAnswer: A kite.",
    ]
    assert {messages[0]["content"] for messages in prompts} == {SYSTEM}


@pytest.mark.parametrize(("preset", "system"), [(None, SYSTEM), ("paper", PAPER)])
def test_what_a_judge_is_told(tmp_path: Path, preset: str | None, system: str) -> None:
    prompt = made_judges(tmp_path, judge_of("http://127.0.0.1:9/v1"), preset=preset).prompt("q", "r", "a")
    assert (prompt.system, prompt.user) == (system, "Question: q\nReference: r\nAnswer: a")


@pytest.mark.parametrize(
    ("score", "abstained", "outcome"),
    [(1.0, False, "correct"), (0.5, False, "correct"), (0.49, False, "wrong"), (0.0, True, "abstained")],
)
def test_what_a_score_comes_to(score: float, abstained: bool, outcome: str) -> None:
    assert judged_outcome(Verdict(score, abstained, "us")) == {"outcome": outcome, "score": score, "scored_by": "us"}


@pytest.mark.usefixtures("chat_key")
@pytest.mark.parametrize(("preset", "score"), [("paper", 0.0), (None, None)])
def test_half_a_point_off_a_wrong_answer_is_on_the_paper_s_scale_alone(
    tmp_path: Path, preset: str | None, score: float | None
) -> None:
    """Left out of the mean it would make answers look better than they are."""
    with endpoint(lambda *_: Answer(completion("Score: -0.5"))) as server:
        (verdict,) = made_judges(tmp_path, judge_of(server.base_url), preset=preset).score([("q", "r", "a")])
    assert verdict.score == score


@pytest.mark.usefixtures("chat_key")
def test_what_judging_cost_is_in_the_row(own_paths: Paths) -> None:
    prices = {"tiny": {"output": 1000.0}, "judge": {"output": 3000.0}}
    (own_paths.root / "params.yaml").write_text(yaml.safe_dump({"calls": {"budget": 100.0, "prices": prices}}))
    with endpoint(lambda *_: Answer(completion("Score: 1", usage=(5, 10)))) as server:
        judges = made_judges(own_paths.root, judge_of(server.base_url))
        rows = ask(own_paths, chat_values(server.base_url), Context("none"), judges)
    costs = {row["scored_by"]: row["cost"] for row in rows}
    assert costs == {"judge": pytest.approx(0.01 + 0.03), "rules": pytest.approx(0.01)}
