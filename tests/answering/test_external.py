"""`fieldguide answer score`: answers from elsewhere are scored as those of the stage are, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fieldguide.answering.external import read_answered, score_answers
from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.publishing.release.make import make_release
from fieldguide.records.topics import Topic, read_topics
from tests.builders import ENTITIES, tiny_params
from tests.conftest import REPOSITORY
from tests.finished import finished_benchmark
from tests.models.endpoint import KEY, completion, serve

PUBLISHED = REPOSITORY.parent / "shared" / "benchmarks" / "visual-rag-me_final_v1.jsonl"


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A repository and its release."""
    params = tiny_params()
    made = finished_benchmark(tmp_path_factory.mktemp("answered"), params)
    make_release(params, made)
    return made


def closed(paths: Paths) -> list[Topic]:
    return [topic for topic in read_topics(paths.topics) if topic.kind == "comparison"]


def write(path: Path, answers: Iterable[tuple[str, object]]) -> Path:
    path.write_text("".join(json.dumps({"topic_id": t, "answer": a}) + "\n" for t, a in answers))
    return path


def test_a_release_and_its_repository_score_alike(paths: Paths, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [(topic.topic_id, topic.answer) for topic in closed(paths)])
    by_release, by_repository = (score_answers(file, read_answered(folder)) for folder in (paths.release, paths.root))
    assert by_release.rows == by_repository.rows
    assert (by_release.accuracy, by_release.outcomes["correct"], by_release.missing) == (1.0, 4, ())
    assert by_release.low is not None
    assert by_release.low < 1.0  # four topics say little


def test_what_is_not_answered_counts_as_not_right_and_is_told(paths: Paths, tmp_path: Path) -> None:
    right, wrong, *lacking = closed(paths)
    named = [ENTITIES[entity][0] for entity in wrong.entities if ENTITIES[entity][0] != wrong.answer]
    other = {"yes": "no", "no": "yes"}.get(wrong.answer, named[0])
    found = score_answers(
        write(tmp_path / "a.jsonl", [(right.topic_id, right.answer), (wrong.topic_id, other)]),
        read_answered(paths.release),
    )
    assert found.missing == tuple(topic.topic_id for topic in lacking)
    assert found.outcomes["missing"] == 2
    assert found.accuracy == 0.25
    assert {row["topic_id"]: row["outcome"] for row in found.rows} == {
        right.topic_id: "correct", wrong.topic_id: "wrong",
    }  # fmt: skip


def test_free_answers_are_unscored_without_judges_and_count_nowhere(paths: Paths, tmp_path: Path) -> None:
    entity = next(topic for topic in read_topics(paths.topics) if topic.kind == "entity")
    answers = [(topic.topic_id, topic.answer) for topic in closed(paths)] + [(entity.topic_id, "It is round.")]
    found = score_answers(write(tmp_path / "a.jsonl", answers), read_answered(paths.release))
    assert (found.accuracy, found.unscored) == (1.0, (entity.topic_id,))
    assert found.rows[-1]["reason"] == "free answer: name judges"


def test_every_wrong_line_is_told_at_once(paths: Paths, tmp_path: Path) -> None:
    topic = closed(paths)[0].topic_id
    file = tmp_path / "a.jsonl"
    lines = [
        {"topic_id": topic, "answer": "yes"},
        {"topic_id": topic, "answer": "no"},
        {"topic_id": 3},
        {"answer": "no"},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ProblemsError) as caught:
        score_answers(file, read_answered(paths.release))
    assert [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems] == [
        f"2: topic {topic} has an answer already",
        "3: topic_id and answer must be text; a line is {topic_id, answer}",
        "4: topic_id must be text; a line is {topic_id, answer}",
    ]
    with pytest.raises(ProblemsError, match="topic t0001 is not one of"):
        score_answers(write(file, [("t0001", "yes")]), read_answered(paths.release))
    with pytest.raises(FieldguideError, match="holds no answer"):
        score_answers(write(file, []), read_answered(paths.release))


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published benchmark is not beside this checkout")
def test_of_a_published_benchmark_yes_and_no_are_closed(tmp_path: Path) -> None:
    benchmark = read_answered(PUBLISHED)
    assert sorted(benchmark.references.values()) == ["no"] * 14 + ["yes"] * 7
    found = score_answers(write(tmp_path / "a.jsonl", [(t.topic_id, "No.") for t in benchmark.topics]), benchmark)
    assert (found.outcomes["correct"], found.outcomes["wrong"], found.outcomes["unscored"]) == (14, 7, 29)
    (form,) = found.by_form
    assert form["most frequent answer"] == pytest.approx(14 / 21, abs=1e-6) == form["accuracy"]


def test_the_command_prints_what_it_counted(paths: Paths, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [(topic.topic_id, topic.answer) for topic in closed(paths)[:3]])
    shown = CliRunner().invoke(app, ["answer", "score", str(file), "--benchmark", str(paths.release)])
    assert shown.exit_code == 0, shown.output
    assert "release: accuracy 0.750 (" in shown.output
    assert "3 correct, 0 wrong, 0 abstained, 0 unparseable, 0 unscored, 1 missing" in shown.output
    assert "no answer to 1 topics, which count as not right: " in shown.output
    as_json = CliRunner().invoke(app, ["answer", "score", str(file), "--benchmark", str(paths.root), "--json"])
    assert len(json.loads(as_json.output)["rows"]) == 3


def test_judges_are_named_in_a_file(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    entity = next(topic for topic in read_topics(paths.topics) if topic.kind == "entity")
    file = write(tmp_path / "a.jsonl", [(entity.topic_id, "It is round.")])
    judge = tmp_path / "judge.yaml"
    command = ["answer", "score", str(file), "--benchmark", str(paths.release), "--judge", str(judge), "--json"]
    with serve((200, completion("It says half.\nScore: 0.5"))) as server:
        chat = {"base_url": server.base_url, "model": "judge", "api_key_variable": "TEST_KEY", "retries": 0}
        judge.write_text(json.dumps({"chats": [chat]}))
        shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0, shown.output
    (row,) = json.loads(shown.output)["rows"]
    assert (row["outcome"], row["score"], row["scored_by"]) == ("correct", 0.5, "judge")
    judge.write_text("chats: []\nmodel: x\n")
    with pytest.raises(ProblemsError, match="names no judges") as caught:
        CliRunner().invoke(app, command, catch_exceptions=False)
    assert len(caught.value.problems) == 2
