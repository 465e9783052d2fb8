"""People's verdicts on a sample of answers: agreement with the scores, and accuracy corrected by them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from fieldguide.answering.scoring import people
from fieldguide.answering.scoring.people import (
    RIGHT,
    UNSURE,
    WRONG,
    PeopleFigures,
    people_figures,
    read_verdicts,
    sample,
    text_key,
    write_sample,
)
from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.records.answers import ANSWERS
from fieldguide.records.topics import Topic
from tests.builders import tiny_params
from tests.finished import finished_benchmark


def table(outcomes: list[str], replies: list[str] | None = None) -> pd.DataFrame:
    """Answers of one answerer, a topic each."""
    texts = replies or [f"answer {n}" for n in range(len(outcomes))]
    return pd.DataFrame(
        [
            {"answerer": "vlm", "context": "gold", "order": "ranked", "topic_id": f"t{n}", "reply": reply,
             "outcome": outcome, "score": float(outcome == "correct")}
            for n, (outcome, reply) in enumerate(zip(outcomes, texts, strict=True))
        ],
        dtype=object,
    )  # fmt: skip


def said(answers: pd.DataFrame, verdicts: list[str]) -> dict[str, list[str]]:
    keys = [text_key(row.topic_id, row.reply) for row in answers.itertuples()]
    return {key: [verdict] for key, verdict in zip(keys, verdicts, strict=False)}


def figures(answers: pd.DataFrame, verdicts: dict[str, list[str]]) -> PeopleFigures:
    (found,) = people_figures(answers, verdicts, 0.95, 1)
    return found


def test_kappa_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    ours = rng.random(80) < 0.6
    people = np.where(rng.random(80) < 0.8, ours, ~ours)
    answers = table(["correct" if good else "wrong" for good in ours])
    found = figures(answers, said(answers, [RIGHT if good else WRONG for good in people]))
    assert found.kappa == pytest.approx(cohen_kappa_score(people, ours), abs=1e-6)
    assert found.agreement == pytest.approx(float((people == ours).mean()), abs=1e-6)
    assert found.kappa_low is not None
    assert found.kappa_high is not None
    assert found.kappa_low < found.kappa < found.kappa_high


def test_a_judge_that_errs_is_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes a third of the wrong answers; people judge 200 of 4,000: their intervals hold the truth."""
    monkeypatch.setattr(people, "_DRAWS", 20)  # kappa's interval is not looked at here
    rng = np.random.default_rng(5)
    truth = rng.random(4000) < 0.5
    passed = truth | (rng.random(4000) < 1 / 3)
    answers = table(["correct" if good else "wrong" for good in passed])
    assert passed.mean() == pytest.approx(2 / 3, abs=0.03)
    inside = 0
    for draw in range(200):
        chosen = np.random.default_rng(draw).permutation(4000)[:200]
        some = answers.iloc[chosen]
        found = figures(answers, said(some, [RIGHT if truth[n] else WRONG for n in chosen]))
        assert found.corrected_low is not None
        assert found.corrected_high is not None
        inside += found.corrected_low <= truth.mean() <= found.corrected_high
    assert inside >= 180  # .95 of 200 is 190, give or take 3


def test_what_was_said_often_weighs_as_often() -> None:
    """Texts that stand for nine answers each, passed and wrong; as many right: the corrected accuracy is a tenth."""
    topics = [f"t{n}" for n in range(5)]
    answers = pd.concat(
        [table(["correct"] * 10, ["yes"] * 9 + ["no"]).assign(topic_id=topic) for topic in topics], ignore_index=True
    )
    verdicts = {text_key(t, text): [said] for t in topics for text, said in (("yes", WRONG), ("no", RIGHT))}
    assert figures(answers, verdicts).corrected == pytest.approx(0.1)
    few = dict(list(verdicts.items())[:9])
    assert (figures(answers, few).corrected, figures(answers, few).judged) == (None, 9)


def test_where_one_side_never_varies_there_is_no_kappa() -> None:
    answers = table(["correct", "wrong"] * 10)
    found = figures(answers, said(answers, [RIGHT] * 20))
    assert (found.agreement, found.kappa, found.kappa_low) == (0.5, None, None)


def test_a_sample_is_not_written_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FieldguideError, match="is a file; name a folder"):
        write_sample(tmp_path / "file", [])
    assert (tmp_path / "file").read_text() == "mine"


def test_divided_people_decide_nothing() -> None:
    answers = table(["correct", "wrong", "wrong"])
    keys = [text_key(row.topic_id, row.reply) for row in answers.itertuples()]
    verdicts = {keys[0]: [RIGHT, WRONG], keys[1]: [WRONG, WRONG, RIGHT], keys[2]: [UNSURE]}
    found = figures(answers, verdicts)
    assert (found.judged, found.unsure, found.agreement, found.kappa) == (1, 2, 1.0, None)


def test_a_sample_is_of_different_texts_and_hides_the_scores() -> None:
    answers = table(["correct", "wrong", "unscored", "abstained"], ["yes", "no", "lost", "cannot tell"])
    answers = pd.concat([answers, answers.assign(context="none")], ignore_index=True)
    topics = [Topic(f"t{n}", "comparison", "both", f"Question {n}?", (), "", "", "yes", {}) for n in range(4)]
    tasks = sample(answers, topics, 10, 1)
    assert sorted(task["data"]["answer"] for task in tasks) == ["cannot tell", "no", "yes"]
    assert all(set(task["data"]) == {"key", "topic_id", "question", "reference", "answer"} for task in tasks)
    assert sample(answers, topics, 2, 1) == tasks[:2]
    assert [t["data"]["key"] for t in sample(answers, topics, 10, 2)] != [t["data"]["key"] for t in tasks]


def exported(task: dict[str, Any], *choices: str) -> dict[str, Any]:
    """A task as Label Studio exports it."""
    results = [
        {"from_name": "verdict", "to_name": "answer", "type": "choices", "value": {"choices": [choice]}}
        for choice in choices
    ]
    return task | {"id": 7, "annotations": [{"result": [result], "was_cancelled": False} for result in results]}


def test_every_unreadable_task_is_told(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    good = exported({"data": {"key": "k"}}, RIGHT)
    path.write_text(json.dumps([good, {"data": {}}, exported({"data": {"key": "k"}}, "maybe"), [1]]))
    with pytest.raises(ProblemsError) as caught:
        read_verdicts(path)
    assert [str(problem).partition(": ")[2].partition(":")[0] for problem in caught.value.problems] == [
        "task 2", "task 3", "task 4",
    ]  # fmt: skip
    path.write_text("{}")
    with pytest.raises(FieldguideError, match="expected the list"):
        read_verdicts(path)
    path.write_text(json.dumps([exported({"data": {"key": "k"}}, RIGHT, WRONG)]))
    assert read_verdicts(path) == {"k": [RIGHT, WRONG]}


def test_the_commands_go_from_a_build_to_agreement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = finished_benchmark(tmp_path, tiny_params())
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["answer", "sample", "--size", "3", "--to", "judged"])
    assert "judged: 3 answers" in shown.output, shown.output
    tasks = json.loads((tmp_path / "judged" / "tasks.json").read_text())
    (tmp_path / "export.json").write_text(json.dumps([exported(task, RIGHT) for task in tasks]))
    shown = CliRunner().invoke(app, ["answer", "agreement", "export.json", "--json"])
    (row,) = json.loads(shown.output)
    answers = ANSWERS.read(paths.answers)
    assert (row["answerer"], row["judged"], row["answers"]) == ("prior", 3, len(answers))
    texts = {task["data"]["key"] for task in tasks}
    keys = [text_key(topic, reply) for topic, reply in zip(answers["topic_id"], answers["reply"], strict=True)]
    correct = {key: outcome == "correct" for key, outcome in zip(keys, answers["outcome"], strict=True) if key in texts}
    assert row["agreement"] == pytest.approx(sum(correct.values()) / 3, abs=1e-6)


def test_verdicts_on_other_answers_are_refused() -> None:
    with pytest.raises(FieldguideError, match="judged none of these answers"):
        people_figures(table(["correct"]), {"other": [RIGHT]}, 0.95, 1)
