"""The stage `answer` as a whole: answerers with known habits are exposed, and it writes the same again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fieldguide.answering.contexts.material import Material
from fieldguide.answering.section import CONTEXTS
from fieldguide.core.errors import ProblemsError
from fieldguide.core.files import sha256_file
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.records.answers import ANSWERS, OUTCOMES
from fieldguide.records.drawings import CAPTIONS
from fieldguide.records.topics import Topic
from flows.answer import answer as stage
from flows.evaluate import evaluate
from tests import builders
from tests.answering import planted
from tests.answering.answerers.chats import chat_values
from tests.answering.benchmark import asking_benchmark
from tests.builders import ENTITIES, tiny_benchmark, tiny_params
from tests.models.endpoint import HTTP_500, Answer, completion, endpoint
from tests.steps import run_step

ASKED = {"answerers": ["features", "prior"], "contexts": list(CONTEXTS), "k": [1, 3]}
FILES = ("answers.parquet", "answering.json")


def asking_params() -> Params:
    return tiny_params(answer=ASKED)


def finished(paths: Paths, params: Params) -> Paths:
    """With what the stages between the qrels and this one leave."""
    paths.captions.parent.mkdir(parents=True, exist_ok=True)
    CAPTIONS.write(paths.captions, CAPTIONS.frame([]))
    run_step(evaluate, params, paths)
    return paths


def told(paths: Paths) -> dict[str, Any]:
    """answering.json."""
    found: dict[str, Any] = json.loads(paths.answering.read_text(encoding="utf-8"))
    return found


def many_topics() -> list[Topic]:
    """Each pair of entities, named in both orders, asked about in several words."""
    made = []
    names = list(ENTITIES)
    for first in names:
        for second in names:
            if first == second:
                continue
            for n in range(2):
                answer = ENTITIES[(first, second)[n]][0]
                made.append(
                    builders._topic("which", f"Which is so, {n}: {first} or {second}?", (first, second), answer)
                )
            yes = "yes" if first < second else "no"
            made.append(builders._topic("both", f"Are {first} and {second} so?", (first, second), yes))
    return sorted(made, key=lambda topic: topic.topic_id)


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """answering.json of answerers with known habits, over 18 topics."""
    root = tmp_path_factory.mktemp("exposed")
    answerers: dict[str, Any] = {kind: {"kind": kind} for kind in planted.HABITS} | {"prior": {"kind": "prior"}}
    section = {
        "answerers": list(answerers), "contexts": list(CONTEXTS), "systems": ["visret"], "k": [1, 5],
        "tracks": ["fullrank"],
        "orders": ["ranked", "reversed"],
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patched:
        planted.install(root / "plugin", patched)
        patched.setattr(builders, "tiny_topics", many_topics)
        params = tiny_params(answer=section, answerers=answerers)
        paths = finished(tiny_benchmark(root / "benchmark", params), params)
        patched.setattr(planted, "GOLD", set().union(*map(set, Material(paths).relevant.values())))
        run_step(stage, params, paths)
    return told(paths)


def test_habits_are_exposed(exposed: dict[str, Any]) -> None:
    found: dict[str, list[str]] = {}
    for finding in exposed["findings"]:
        found.setdefault(finding["answerer"], []).append(finding["finding"])
    better = "is better with relevant images than without"
    ignores = "ignores what it is shown"
    no_more = "is not shown to know more than the most frequent answer"
    assert found == {
        "knows": [ignores],
        "guesses": [ignores, no_more],
        "looks": [better],
        "honest": [better],
        "trusts-last": [better, "trusts the image that is shown last"],
        "mixes-up": [better, "does not notice whose images it is shown"],
        "prior": [ignores],
    }


def test_accuracies_of_known_habits(exposed: dict[str, Any]) -> None:
    rows = {(row["answerer"], row["context"]): row for row in exposed["accuracy"]}
    assert exposed["contexts"] == [
        "none", "gold", "negatives", "others", "gold-among", "distractors", "swapped", "drawings",
        "visret@1 fullrank", "visret@5 fullrank",
    ]  # fmt: skip
    assert exposed["left_out"] == {"captions": "there are no captions (caption.captioner)"}
    assert (exposed["topics"], exposed["not_asked"], exposed["unscored"]) == (18, 0, {})
    looks = {context: rows["looks", context] for context in exposed["contexts"]}
    assert [(looks[c]["accuracy"], looks[c]["abstained"]) for c in ("none", "gold", "negatives", "swapped")] == [
        (0.0, 0), (1.0, 0), (0.0, 18), (0.0, 18),
    ]  # fmt: skip
    assert looks["gold"]["by_shown"]["all"] == {"topics": 18, "accuracy": 1.0}
    found = looks["visret@5 fullrank"]
    assert found["accuracy"] == pytest.approx(found["by_shown"]["all"]["topics"] / 18, abs=1e-6)
    assert looks["gold"]["gap"] == 1.0
    assert found["gap"] == pytest.approx(found["accuracy"], abs=1e-6)
    assert rows["prior", "gold"]["accuracy"] == rows["prior", "none"]["accuracy"] == 0.5
    orders = {(row["answerer"], row["context"]): row for row in exposed["orders"]}
    among = orders["trusts-last", "gold-among"]
    assert among["accuracy"] == {
        "ranked": 0.0, "reversed": 1.0, "gold-first": 0.0, "gold-middle": 0.0, "gold-last": 1.0,
    }  # fmt: skip
    assert (among["spread"], among["changed"]) == (1.0, 1.0)
    assert orders["knows", "gold-among"]["spread"] == 0.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    params = asking_params()
    paths = finished(asking_benchmark(tmp_path_factory.mktemp("answered"), params), params)
    run_step(stage, params, paths)
    return paths


def test_the_same_bytes_again_and_elsewhere(made: Paths, tmp_path: Path) -> None:
    before = {name: sha256_file(made.answers.parent / name) for name in FILES}
    run_step(stage, asking_params(), made)
    assert {name: sha256_file(made.answers.parent / name) for name in FILES} == before
    elsewhere = finished(asking_benchmark(tmp_path), asking_params())
    run_step(stage, asking_params(), elsewhere)
    assert {name: sha256_file(elsewhere.answers.parent / name) for name in FILES} == before
    assert sorted(path.name for path in made.answers.parent.iterdir()) == sorted(FILES)


def test_the_table_and_what_is_said_of_it_agree(made: Paths) -> None:
    answers, found = ANSWERS.read(made.answers), told(made)
    assert found["answerers"] == {"features": "features", "prior": "prior"}
    assert found["schema_version"] == 1
    ranked = answers[answers["order"] == "ranked"]
    for row in found["accuracy"]:
        own = ranked[(ranked["answerer"] == row["answerer"]) & (ranked["context"] == row["context"])]
        assert {name: row[name] for name in OUTCOMES} == {
            name: int((own["outcome"] == name).sum()) for name in OUTCOMES
        }
        scored = own[own["score"].notna()]
        assert row["accuracy"] == pytest.approx(scored["score"].astype(float).mean(), abs=1e-6)
    assert {(row["answerer"], row["k"]) for row in found["quality"]} == {
        (answerer, k) for answerer in ("features", "prior") for k in (1, 3)
    }
    # Of three entities two are asked about, and one alone teaches no probe.
    assert {row["abstained"] for row in found["accuracy"] if row["answerer"] == "features"} == {4}
    assert found["coverage"] == []


def test_what_is_printed(made: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    run_step(stage, asking_params(), made)
    printed = capsys.readouterr().out
    assert "left out: captions: there are no captions (caption.captioner)" in printed
    assert "4 topics asked, 3 have no closed answer and need answer.judge" in printed
    assert "prior ignores what it is shown: 100% of answers are the same in all contexts" in printed


def test_nobody_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = tiny_params(answer={"answerers": []})
    paths = finished(tiny_benchmark(tmp_path, params), params)
    run_step(stage, params, paths)
    assert "nobody is asked (answer.answerers)" in capsys.readouterr().out
    assert len(ANSWERS.read(paths.answers)) == 0
    assert told(paths)["accuracy"] == told(paths)["findings"] == []


@pytest.mark.usefixtures("chat_key")
def test_a_chat_model_judged_by_another_and_what_failed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def act(_: int, body: Any) -> Any:
        if body["model"] == "judge":
            return Answer(completion("Score: 0.5" if "satsuma" in body["messages"][1]["content"] else "Score: 0"))
        text = body["messages"][1]["content"][0]["text"]
        return HTTP_500 if text.startswith("Are both") else Answer(completion("Yes."))

    with endpoint(act) as server:
        params = tiny_params(
            answer={
                "answerers": ["model"], "contexts": ["none", "gold"], "systems": [], "orders": ["ranked"],
                "judge": {"chats": [chat_values(server.base_url, model="judge")["chat"]]},
            },
            answerers={"model": chat_values(server.base_url)},
        )  # fmt: skip
        paths = finished(asking_benchmark(tmp_path, params), params)
        run_step(stage, params, paths)
        asked = len(server.requests)
        first = {name: sha256_file(paths.answers.parent / name) for name in FILES}
        printed = capsys.readouterr().out
        run_step(stage, params, paths)
        assert {name: sha256_file(paths.answers.parent / name) for name in FILES} == first
        assert len(server.requests) == asked + 2 * 2  # the two that failed, each tried twice
    found = told(paths)
    assert (found["topics"], found["not_asked"]) == (7, 0)
    assert list(found["unscored"].values()) == [2]
    assert "what was not answered is asked again by `dvc repro -f -s answer`" in printed
    answers = ANSWERS.read(paths.answers)
    judged = answers[answers["scored_by"] == "judge"]
    assert sorted(judged["score"]) == [0.0, 0.0, 0.0, 0.0, 0.5, 0.5]
    assert set(answers[answers["scored_by"] == "rules"]["outcome"]) == {"correct", "unparseable", "unscored"}


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"answerers": ["nobody"]}, "answer.answerers.0: 'nobody' is not in answerers"),
        ({"systems": ["nothing"]}, "answer.systems.0: 'nothing' is not in retrieve.systems"),
        ({"preset": "paper"}, "preset paper sets contexts, k; leave out the one or the others"),
        ({"orders": ["reversed"]}, "orders begins with ranked"),
        ({"contexts": ["gold", "gold"]}, "'gold' stands there more than once"),
        ({"judge": {"chats": []}}, "answer.judge.chats"),
    ],
)
def test_sections_that_are_refused(section: dict[str, Any], says: str) -> None:
    with pytest.raises(ProblemsError, match=says.replace("(", r"\(")):
        tiny_params(answer=section)


def test_the_preset_settles_what_it_names() -> None:
    params = tiny_params()
    section = params.answer.model_copy(update={"preset": "paper"}).settled
    assert (section.contexts, section.k, section.images) == (["none", "gold", "negatives"], [1, 5, 10], 1)
