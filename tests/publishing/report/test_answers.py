"""Answers on the page: the figures of answering.json, single answers, and nothing where nobody was asked."""

from __future__ import annotations

import pytest

from fieldguide.core.files import read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.report.page import write_report
from fieldguide.publishing.report.thumbnails import Album
from fieldguide.publishing.report.views.answers import TopicAnswers, answering
from fieldguide.records.answers import ANSWERS
from tests.builders import rewrite, tiny_params
from tests.finished import answer, finished_benchmark


@pytest.fixture(scope="module")
def benchmark(paths: Paths, params: Params) -> Benchmark:
    return Benchmark(paths, params)


def test_figures_are_those_of_the_file(benchmark: Benchmark) -> None:
    view = answering(benchmark)
    assert view is not None
    (prior,) = view["answerers"]
    stated = next(row for row in read_json(benchmark.paths.answering)["accuracy"] if row["context"] == "none")
    assert prior["same"]
    assert prior["table"].rows[0][:3] == (
        "nothing", f"{stated['accuracy']:.3f}", f"{stated['low']:.3f} to {stated['high']:.3f}",
    )  # fmt: skip
    assert ("prior", "ignores what it is shown", "100% of answers are the same in all contexts") in view["findings"]
    assert (view["topics"], view["not_asked"]) == ("4 questions", 3)


def test_an_answerer_that_always_says_the_same_has_one_line_a_topic(benchmark: Benchmark) -> None:
    answers = TopicAnswers(benchmark, Album(benchmark, 48))
    topic = next(topic for topic in benchmark.topics if topic.kind == "comparison")
    (line,) = answers.of(topic.topic_id)
    assert (line["answerer"], line["shown"], line["shots"]) == ("prior", "whatever is shown", [])
    assert line["outcome"] in ("correct", "wrong")
    entity = next(topic for topic in benchmark.topics if topic.kind == "entity")
    assert answers.of(entity.topic_id) == []


def test_what_was_shown_is_seen_where_it_matters(fresh: Paths, params: Params) -> None:
    rewrite(ANSWERS, fresh.answers, reply=lambda f: [f"### Reasoning\n<b>{n}</b>\n### Answer\nno" for n in f.index])
    made = TopicAnswers(Benchmark(fresh, params), Album(Benchmark(fresh, params), 48))
    topic = next(topic for topic in Benchmark(fresh, params).topics if topic.kind == "comparison")
    lines = made.of(topic.topic_id)
    gold = next(line for line in lines if line["shown"] == "relevant images")
    assert {shot["mark"] for shot in gold["shots"]} == {"relevant"}
    assert gold["answer"] == "no"
    write_report(params, fresh)
    folder = fresh.report.parent / "topics"
    page = "".join(file.read_text(encoding="utf-8") for file in folder.iterdir())
    assert "<b>0</b>" not in page
    assert "&lt;b&gt;0&lt;/b&gt;" in page


def test_where_nobody_was_asked_the_page_does_without(tmp_path_factory: pytest.TempPathFactory) -> None:
    params = tiny_params(answer={"answerers": []})
    paths = finished_benchmark(tmp_path_factory.mktemp("unasked"), params)
    assert answering(Benchmark(paths, params)) is None
    write_report(params, paths)
    assert not (paths.report.parent / "answers.html").exists()
    assert "answers.html" not in paths.report.read_text(encoding="utf-8")


def test_a_file_of_another_shape_is_refused(fresh: Paths, params: Params) -> None:
    answer(fresh, params)
    write_json(fresh.answering, read_json(fresh.answering) | {"accuracy": [{"context": "none"}]})
    with pytest.raises(Exception, match=r"answering\.json"):
        answering(Benchmark(fresh, params))
