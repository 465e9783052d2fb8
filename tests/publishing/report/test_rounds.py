"""Phrases that were worded anew, on their topic's page and in `fieldguide explain`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fieldguide.cli.views.explain import show_answers
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.lineage import explain_answers
from fieldguide.publishing.report.page import write_report
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.topics import ROUNDS, read_phrases, read_topics
from fieldguide.retrieval.refining.section import Refine
from fieldguide.retrieval.systems.rounds import RoundPaths
from tests.builders import rewrite, tiny_params
from tests.finished import finished_benchmark

ANEW = "a photo of a <b>bright</b> apple"


@pytest.fixture
def params() -> Params:
    return tiny_params().model_copy(update={"refine": Refine(systems=["genir"])})


@pytest.fixture
def refined(tmp_path: Path, params: Params) -> Paths:
    """Three subtopics: one phrase worded anew and then left, one left at once, one whose new wording failed."""
    paths = finished_benchmark(tmp_path, params)
    rounds = RoundPaths(paths.root, "genir")
    first, second, third = sorted(read_phrases(paths.phrases), key=lambda phrase: phrase.subtopic_id)[:3]
    shutil.copytree(paths.drawings.parent, rounds.drawings.parent)
    rewrite(DRAWINGS, rounds.drawings, prompt=lambda f: f["prompt"].where(f["prompt"] != first.text, ANEW))

    def row(phrase: Any, number: int, text: str, status: str, reason: str | None = None) -> dict[str, Any]:
        return {"subtopic_id": phrase.subtopic_id, "round": number, "phrase": phrase.text, "shown": [], "text": text,
                "status": status, "reason": reason}  # fmt: skip

    rows = [
        row(first, 1, ANEW, "reworded"), row(first, 2, ANEW, "kept"), row(second, 1, second.text, "kept"),
        row(third, 1, third.text, "failed", "I will not."),
    ]  # fmt: skip
    ROUNDS.write(rounds.rounds, ROUNDS.frame(rows))
    return paths


def test_a_topic_s_page_shows_each_round_and_its_drawings(refined: Paths, params: Params) -> None:
    write_report(params, refined)
    topics = sorted((refined.report.parent / "topics").iterdir())
    page = "".join(file.read_text() for file in topics)
    assert page.count("genir, round 1: “a photo of a &lt;b&gt;bright&lt;/b&gt; apple”") == 1
    assert ANEW not in page
    assert page.count("genir, round 2: <span") == 1
    assert "failed: I will not." in page
    shown = re.findall(r'src="../(images/[^"]+)" alt="Drawing [0-9] of: a photo of a &lt;b&gt;bright', page)
    assert len(shown) == 2
    assert all((refined.report.parent / image).is_file() for image in shown)


def test_explain_lists_the_rounds(refined: Paths, params: Params, capsys: pytest.CaptureFixture[str]) -> None:
    rounds = ROUNDS.read(RoundPaths(refined.root, "genir").rounds)
    for topic in read_topics(refined.topics):
        found = explain_answers(refined, params, topic.topic_id)["rounds"]
        own = {subtopic.subtopic_id for subtopic in topic.subtopics}
        assert len(found) == rounds["subtopic_id"].isin(own).sum()
        show_answers(refined, params, topic.topic_id, as_json=False)
        printed = capsys.readouterr().out
        assert ("reworded" in printed) == any(row["status"] == "reworded" for row in found)


def test_without_rounds_nothing_is_said_of_them(tmp_path: Path, params: Params) -> None:
    paths = finished_benchmark(tmp_path, params)
    write_report(params, paths)
    assert "round 1" not in paths.report.read_text()
