"""`fieldguide explain`: the lineage holds what the tables hold, and ids may be abbreviated."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fieldguide.annotation.judgments import log
from fieldguide.annotation.judgments.log import Judgment
from fieldguide.cli.views.explain import facts, render, show, show_answers
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.lineage import Lineage, explain, explain_answers, resolve
from fieldguide.records.images import DUPLICATES, IMAGES
from fieldguide.records.judgments import POOLS
from fieldguide.records.runs import read_run
from fieldguide.records.topics import read_topics
from tests.builders import rewrite, tiny_benchmark, tiny_params
from tests.finished import finished_benchmark


@pytest.fixture(scope="module")
def params() -> Params:
    return tiny_params()


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Paths:
    """Not to be changed."""
    return tiny_benchmark(tmp_path_factory.mktemp("lineage"), params)


@pytest.fixture
def fresh(tmp_path: Path, params: Params) -> Paths:
    return tiny_benchmark(tmp_path, params)


def pooled_by_visret(paths: Paths) -> tuple[str, str]:
    pools = POOLS.read(paths.pools)
    row = next(row for row in pools.itertuples() if list(row.systems) == ["visret"])
    return str(row.subtopic_id), str(row.image_id)


def one(paths: Paths, params: Params, topic: str, image: str) -> Lineage:
    (lineage,) = explain(paths, params, topic, image)
    return lineage


def test_a_lineage_holds_what_the_tables_hold(paths: Paths, params: Params) -> None:
    subtopic, image = pooled_by_visret(paths)
    lineage = one(paths, params, subtopic, image)
    topics = {t.topic_id: t for t in read_topics(paths.topics)}
    row = IMAGES.read(paths.images).set_index("image_id").loc[image]
    assert lineage["asked"]["question"] == topics[subtopic.partition(".")[0]].text
    assert (lineage["image"]["source_key"], lineage["image"]["split"]) == (row["source_key"], "gallery")
    assert lineage["asked"]["evidence"][0]["source"] == "curated"
    assert lineage["pool"] is not None
    assert list(lineage["pool"]["systems"]) == ["visret"]
    (judgment,) = lineage["judgments"]
    assert (judgment["assessor"], judgment["holds"], judgment["judged_at"]) == ("dataset-label", True, None)
    assert lineage["qrel"] is not None
    assert (
        lineage["qrel"]["grade"]
        == judgment["grade"]
        == int(lineage["image"]["entity_id"] == lineage["asked"]["entity_id"])
    )
    assert lineage["qrel"]["definition"] is not None
    assert lineage["missing"] == []


def test_placements_are_those_of_the_runs(paths: Paths, params: Params) -> None:
    subtopic, image = pooled_by_visret(paths)
    placed = one(paths, params, subtopic, image)["placements"]
    placements = {(p["track"], p["system"]): (p["rank"], p["score"]) for p in placed}
    assert len(placements) == 6
    for (track, system), found in placements.items():
        run = read_run(paths.run(track, system))
        lines = run[(run["subtopic_id"] == subtopic) & (run["image_id"] == image)]
        assert found == ((None, None) if lines.empty else (lines["rank"].iloc[0], lines["score"].iloc[0]))


def test_an_image_outside_pool_and_runs_has_no_grade(paths: Paths, params: Params) -> None:
    images = IMAGES.read(paths.images)
    train = images["image_id"][images["split"] == "train"].iloc[0]
    topic = read_topics(paths.topics)[0]
    lineage = one(paths, params, topic.subtopics[0].subtopic_id, train)
    assert (lineage["pool"], lineage["qrel"], lineage["judgments"]) == (None, None, [])
    assert {(p["rank"], p["score"]) for p in lineage["placements"]} == {(None, None)}
    words = dict(facts(lineage))
    assert words["pooled by"] == "nothing: it is not in the pool"
    assert words["grade"] == "none; counts as not relevant"


def test_a_topic_means_all_its_subtopics(paths: Paths, params: Params) -> None:
    topic = next(t for t in read_topics(paths.topics) if len(t.entities) == 2)
    image = str(POOLS.read(paths.pools)["image_id"].iloc[0])
    found = explain(paths, params, topic.topic_id, image)
    assert [lineage["subtopic_id"] for lineage in found] == [s.subtopic_id for s in topic.subtopics]


def test_ids_may_be_abbreviated(paths: Paths, params: Params) -> None:
    subtopic, image = pooled_by_visret(paths)
    assert one(paths, params, subtopic, image[:10]) == one(paths, params, subtopic, image)
    topic = subtopic.partition(".")[0]
    assert explain(paths, params, topic[:7], image) == explain(paths, params, topic, image)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("abce", r"image 'abce': not in images.parquet; did you mean abcd2 or abcd1\?"),
        ("abcd", r"image 'abcd': several begin so: abcd1, abcd2; give more of it"),
        ("zzzz", r"image 'zzzz': not in images.parquet; there are 3, such as abcd1, abcd2, ef"),
        ("", r"image '': not in images.parquet; there are 3"),
    ],
)
def test_unknown_ids_are_told_with_what_is_likely(given: str, says: str) -> None:
    with pytest.raises(FieldguideError, match=says):
        resolve(given, ["ef", "abcd2", "abcd1"], "image", "images.parquet")


def test_an_id_that_begins_another_means_itself() -> None:
    assert resolve("t1.e1", ["t1.e10", "t1.e1"], "subtopic", "topics.jsonl") == "t1.e1"


def test_unknown_topics_and_images_are_told(paths: Paths, params: Params) -> None:
    subtopic, image = pooled_by_visret(paths)
    with pytest.raises(FieldguideError, match=f"subtopic '{subtopic}9': not in .*did you mean {subtopic}"):
        explain(paths, params, f"{subtopic}9", image)
    with pytest.raises(FieldguideError, match=r"topic 'zz': not in .*there are 7, such as"):
        explain(paths, params, "zz", image)
    with pytest.raises(FieldguideError, match=r"image 'zz': not in .*there are 23, such as"):
        explain(paths, params, subtopic, "zz")


def test_duplicates_are_told_from_both_sides(fresh: Paths, params: Params) -> None:
    ids = list(IMAGES.read(fresh.images)["image_id"])
    rewrite(
        DUPLICATES, fresh.duplicates, kind="near", image_id=ids[0], other_image_id=ids[1], distance=3,
        across_splits=True,
    )  # fmt: skip
    topic = read_topics(fresh.topics)[0].subtopics[0].subtopic_id
    assert one(fresh, params, topic, ids[0])["image"]["duplicates"] == [
        f"nearly {ids[1]} (3 bits apart, across the splits)"
    ]
    assert one(fresh, params, topic, ids[1])["image"]["duplicates"] == [
        f"nearly {ids[0]} (3 bits apart, across the splits)"
    ]
    assert one(fresh, params, topic, ids[2])["image"]["duplicates"] == []


def test_superseded_judgments_stay_in_the_lineage(fresh: Paths, params: Params) -> None:
    subtopic, image = pooled_by_visret(fresh)
    first = next(e for e in log.read(fresh.judgments).entries if (e.subtopic_id, e.image_id) == (subtopic, image))
    changed = Judgment(
        subtopic_id=subtopic, image_id=image, assessor=first.assessor, grade=1, choice="relevant",
        guideline=first.guideline, judged_at="2025-05-20T09:30:00+00:00", action="superseded", supersedes=first.hash,
    )  # fmt: skip
    log.append(fresh.judgments, [changed])
    found = one(fresh, params, subtopic, image)["judgments"]
    assert [(j["action"], j["holds"]) for j in found] == [("judged", False), ("superseded", True)]
    assert {j["excluded"] for j in found} == {None}
    out = params.adjudicate.model_copy(update={"excluded": {first.assessor: "clicked on without looking"}})
    found = one(fresh, params.model_copy(update={"adjudicate": out}), subtopic, image)["judgments"]
    assert {j["excluded"] for j in found} == {"clicked on without looking"}


def test_what_is_not_made_yet_is_named(fresh: Paths, params: Params) -> None:
    subtopic, image = pooled_by_visret(fresh)
    gone = [fresh.run("rerank", "visret"), fresh.pools, fresh.qrels / "qrels.parquet", fresh.judgments]
    for path in gone:
        path.unlink()
    lineage = one(fresh, params, subtopic, image)
    assert lineage["missing"] == [str(path) for path in gone]
    assert (lineage["pool"], lineage["qrel"], lineage["judgments"]) == (None, None, [])
    assert len(lineage["placements"]) == 5
    words = dict(facts(lineage))
    assert (words["pooled by"], words["grade"]) == ("not known yet", "not decided yet")


def test_shown_as_json_and_as_text(paths: Paths, params: Params, capsys: pytest.CaptureFixture[str]) -> None:
    subtopic, image = pooled_by_visret(paths)
    show(paths, params, subtopic, image, as_json=True)
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["subtopic_id"], record["image"]["image_id"]) == (subtopic, image)
    show(paths, params, subtopic, image, as_json=False)
    text = capsys.readouterr().out
    for words in (subtopic, image, "visret at rank", "dataset-label", "reference answer", "rerank: score"):
        assert words in text


def test_hostile_text_is_shown_and_does_nothing(fresh: Paths, params: Params) -> None:
    from io import StringIO

    from rich.console import Console

    subtopic, image = pooled_by_visret(fresh)
    rewrite(IMAGES, fresh.images, source_key="[red]\x1b[2Jx[/red]")
    stream = StringIO()
    Console(file=stream, width=200, color_system=None).print(render(one(fresh, params, subtopic, image)))
    assert "[red]\ufffd[2Jx[/red]" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_the_random_sample_is_told(paths: Paths, params: Params) -> None:
    row = next(row for row in POOLS.read(paths.pools).itertuples() if row.sampled)
    lineage = one(paths, params, str(row.subtopic_id), str(row.image_id))
    assert lineage["pool"] == {"systems": {}, "sampled": True}
    assert dict(facts(lineage))["pooled by"] == "the random sample"


def test_without_an_image_the_answers_to_a_topic_are_shown(
    tmp_path: Path, params: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = finished_benchmark(tmp_path, params)
    topic = next(topic for topic in read_topics(paths.topics) if topic.kind == "comparison")
    found = explain_answers(paths, params, topic.topic_id[:6])
    assert (found["topic_id"], found["reference"]) == (topic.topic_id, topic.answer)
    contexts = [row["context"] for row in found["answers"]]
    assert contexts[:3] == ["none", "gold", "swapped"]
    assert "visret@2 fullrank" in contexts
    show_answers(paths, params, topic.topic_id, as_json=False)
    shown = capsys.readouterr().out
    assert topic.text in shown
    assert re.search(r"prior +gold +ranked +\d+ of \d+ relevant +(correct|wrong)", shown)
    show_answers(paths, params, topic.topic_id, as_json=True)
    assert json.loads(capsys.readouterr().out)["topic_id"] == topic.topic_id
    with pytest.raises(FieldguideError, match="'zzz': not in"):
        explain_answers(paths, params, "zzz")
