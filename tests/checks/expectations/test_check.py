"""Every expectation catches a defect planted for it and names the rows; clean data passes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldguide.checks.expectations.content import answer_shares, answers, suites
from fieldguide.checks.expectations.run import Outcome, check, run_suites
from fieldguide.checks.expectations.suites import Suite, among
from fieldguide.checks.expectations.tables import Tables
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import write_json
from fieldguide.core.paths import Paths
from flows.check import check as stage
from tests.builders import SYSTEMS, rewrite, tiny_benchmark, tiny_params
from tests.steps import run_step


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return tiny_benchmark(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tables(paths: Paths) -> Tables:
    return Tables(paths, SYSTEMS)


def suites_of(tables: Tables) -> Iterator[Suite]:
    params = tiny_params()
    return suites(tables, params.check, params.visualize.images, people=False)


def checked(paths: Paths) -> list[Outcome]:
    params = tiny_params()
    return check(params.check, params.visualize.images, False, SYSTEMS, paths)


def outcome_of(suites: list[Suite], table: str, title: str) -> Outcome:
    """Run the one expectation of that name."""
    chosen = [
        dataclasses.replace(suite, expectations=tuple(c for c in suite.expectations if c.title == title))
        for suite in suites
        if suite.table == table
    ]
    (found,) = run_suites(suite for suite in chosen if suite.expectations)
    return found


def put(table: str, column: str, value: Any, row: int = 0) -> Callable[[Tables], None]:
    """Put a value into one row of a Parquet table."""

    def plant(tables: Tables) -> None:
        tables.parquet[table].at[row, column] = value

    return plant


def put_topic(column: str, value: Any, row: int = 0) -> Callable[[Tables], None]:
    def plant(tables: Tables) -> None:
        tables.topics.at[row, column] = value

    return plant


def put_run(column: str, value: Any) -> Callable[[Tables], None]:
    def plant(tables: Tables) -> None:
        tables.runs.at[len(tables.runs) - 1, column] = value  # of the rerank track

    return plant


def drop(table: str, which: Callable[[pd.DataFrame], pd.Series[bool]]) -> Callable[[Tables], None]:
    def plant(tables: Tables) -> None:
        frame = tables.parquet[table]
        tables.parquet[table] = frame[~which(frame)].reset_index(drop=True)

    return plant


def duplicate(kind: str) -> Callable[[Tables], None]:
    """A duplicate across splits whose kept image is in the gallery."""

    def plant(tables: Tables) -> None:
        images, duplicates = tables.parquet["images"], tables.parquet["duplicates"]
        duplicates.at[0, "image_id"] = images.loc[images["split"] == "gallery", "image_id"].iloc[0]
        duplicates.at[0, "across_splits"] = True
        duplicates.at[0, "kind"] = kind

    return plant


def fail_drawings(tables: Tables) -> None:
    prompt = tables.phrases["text"].iloc[0]
    drawings = tables.parquet["drawings"]
    drawings.loc[drawings["prompt"] == prompt, "status"] = "failed"


def no_phrase(tables: Tables) -> None:
    tables.phrases.drop(index=0, inplace=True)


def strange_phrase(tables: Tables) -> None:
    tables.phrases.at[0, "subtopic_id"] = "t0.e9"


def not_relevant(tables: Tables) -> None:
    qrels = tables.parquet["qrels"]
    qrels.loc[qrels["subtopic_id"] == qrels["subtopic_id"].iloc[0], "grade"] = 0


def all_no(tables: Tables) -> None:
    tables.topics.loc[tables.topics["form"] == "both", "answer"] = "No, they do not."


def no_lines(tables: Tables) -> None:
    lines = tables.runs[(tables.runs["track"] == "fullrank") & (tables.runs["system"] == "text")]
    tables.runs.drop(index=lines.index[lines["subtopic_id"] == lines["subtopic_id"].iloc[0]], inplace=True)


def half_a_pool(tables: Tables) -> None:
    tables.runs.drop(index=tables.runs.index[-1], inplace=True)


def first(frame: str, *columns: str) -> Callable[[Tables], str]:
    """Key of the first row."""
    return lambda tables: " ".join(str(tables.parquet[frame][column].iloc[0]) for column in columns)


def first_subtopic(tables: Tables) -> str:
    return str(tables.phrases["subtopic_id"].sort_values().iloc[0])


def first_topic(tables: Tables) -> str:
    return str(tables.topics["topic_id"].iloc[0])


def shop_image(tables: Tables) -> pd.DataFrame:
    """The first image without a licence."""
    images = tables.parquet["images"]
    return images[images["licence"].isna()].head(1)


PAIR = ("subtopic_id", "image_id")
LAST_RUN = "rerank visret "
FEW = "every subtopic has at least 1 relevant images (check.min_relevant, pool.depth)"
DEFECTS: list[tuple[str, str, Callable[[Tables], None], Callable[[Tables], str] | str]] = [
    ("images", "`sha256` is 64 hex digits", put("images", "sha256", "xyz"), first("images", "image_id")),
    ("images", "`image_id` is 16 hex digits", put("images", "image_id", "xyz"), "xyz"),
    ("images", "`image_id` is the beginning of `sha256`", put("images", "sha256", "0" * 64),
     first("images", "image_id")),
    ("images", "no image lies in the corpus twice",
     lambda t: put("images", "sha256", t.parquet["images"]["sha256"][1])(t),
     first("images", "image_id")),
    ("images", "a named entity is known", put("images", "entity_id", "kumquat"), first("images", "image_id")),
    ("images", "`near_duplicate_of` is an image of the corpus", put("images", "near_duplicate_of", "no"),
     first("images", "image_id")),
    ("images", "`shard` is a tar that is there", put("images", "shard", "9.tar"), first("images", "image_id")),
    *(("images", f"`{n}` is positive", put("images", n, 0), first("images", "image_id"))
      for n in ("width", "height", "size", "copies")),
    ("images", "`licence` is stated (check.unlicensed_sources: shop)",
     lambda t: put("images", "source", "museum", shop_image(t).index[0])(t),
     lambda t: str(shop_image(t)["image_id"].iloc[0])),
    ("duplicates", "the image is in the corpus", put("duplicates", "image_id", "gone"), "gone shop copy.png"),
    ("duplicates", "no image of the gallery has an exact duplicate in train", duplicate("exact"),
     first("duplicates", "image_id", "source", "source_key")),
    ("duplicates", "no near duplicates across splits", duplicate("near"),
     first("duplicates", "image_id", "source", "source_key")),
    ("entities", "no two entities have one name", put("entities", "name", "satsuma"), "granny-smith"),
    ("attributes", "the entity is known", put("attributes", "entity_id", "kumquat"), "kumquat skin colour"),
    *(("groups", f"`{n}` is from 0 to 1", put("groups", n, 1.5), "granny-smith+red-delicious")
      for n in ("score", "taxonomic", "lexical", "visual")),
    ("groups", "every member is a known entity", put("groups", "entities", ["satsuma", "kumquat"]),
     "granny-smith+red-delicious kumquat"),
    ("topics", "`kind` is one of comparison, entity", put_topic("kind", "riddle"), first_topic),
    ("topics", "`form` is one of which, both, truth, which-not, entity", put_topic("form", "riddle"), first_topic),
    *(("topics", f"`{n}` is str", put_topic(n, ["yes"]), first_topic) for n in ("text", "feature", "part", "answer")),
    *(("topics", f"`{n}` is dict", put_topic(n, "green"), first_topic) for n in ("values", "provenance")),
    ("topics", "no question is asked twice", lambda t: put_topic("text", t.topics["text"][1])(t),
     lambda t: str(t.topics["topic_id"][0])),
    ("topics", "the entity is known", lambda t: t.subtopics.__setitem__("entity_id", "kumquat"),
     lambda t: str(t.subtopics["subtopic_id"].iloc[0])),
    ("topics", "the entity's value of the feature has a source",
     lambda t: t.subtopics.__setitem__("feature", "smell"),
     lambda t: str(t.subtopics.loc[t.subtopics["kind"] == "comparison", "subtopic_id"].iloc[0])),
    ("topics", "the answer is yes, no or one entity", lambda t: t.topics.__setitem__("answer", "perhaps"),
     lambda t: str(t.topics.loc[t.topics["kind"] == "comparison", "topic_id"].iloc[0])),
    ("topics", "no answer takes more than 70% of a form (check.max_answer_share)", all_no, "both no"),
    ("phrases", "the subtopic is one of the topics'", strange_phrase, "t0.e9"),
    ("phrases", "no subtopic has two phrases",
     lambda t: t.phrases.__setitem__("subtopic_id", t.phrases["subtopic_id"][0]), first_subtopic),
    ("phrases", "every subtopic has a phrase", no_phrase, first_subtopic),
    ("drawings", "no drawing failed", put("drawings", "status", "failed"), first("drawings", "drawing_id")),
    ("drawings", "every phrase has its 2 drawings, failed ones counted",
     lambda t: put("drawings", "prompt", "gone", t.parquet["drawings"]["purpose"].tolist().index("topic"))(t), ""),
    ("drawings", "every phrase has a drawing that did not fail", fail_drawings, first_subtopic),
    ("pools", "the subtopic is one of the topics'", put("pools", "subtopic_id", "t0.e9"), first("pools", *PAIR)),
    ("pools", "the image is in the gallery", put("pools", "image_id", "gone"), first("pools", *PAIR)),
    ("pools", "every pooled image is judged", drop("qrels", lambda f: f.index == 0), first("pools", *PAIR)),
    ("pools", "every subtopic has a pool", drop("pools", lambda f: f["subtopic_id"] == f["subtopic_id"][0]),
     first_subtopic),
    ("qrels", "the subtopic is one of the topics'", put("qrels", "subtopic_id", "t0.e9"), first("qrels", *PAIR)),
    ("qrels", "the image is in the gallery", put("qrels", "image_id", "gone"), first("qrels", *PAIR)),
    ("qrels", "the grade is defined in grades.json", put("qrels", "grade", 7), first("qrels", *PAIR)),
    ("qrels", FEW, not_relevant, first_subtopic),
    ("runs", "the system is the one the file is named after", put_run("system", "other"), LAST_RUN),
    ("runs", "the subtopic is one of the topics'", put_run("subtopic_id", "t0.e9"), LAST_RUN + "t0.e9"),
    ("runs", "the image is in the gallery", put_run("image_id", "gone"), LAST_RUN),
    ("runs", "an image of the rerank track is in its subtopic's pool", put_run("image_id", "gone"), LAST_RUN),
    ("runs", "every subtopic is ranked", no_lines, "fullrank text "),
    ("runs", "the rerank track ranks a whole pool", half_a_pool, LAST_RUN),
]  # fmt: skip


def test_clean_data_passes(tables: Tables) -> None:
    outcomes = list(run_suites(suites_of(tables)))
    assert [outcome for outcome in outcomes if not outcome.success] == []


def test_every_expectation_has_a_planted_defect(tables: Tables) -> None:
    titles = sorted((suite.table, check.title) for suite in suites_of(tables) for check in suite.expectations)
    assert sorted((table, title) for table, title, *_ in DEFECTS) == titles


@pytest.mark.parametrize(("table", "title", "plant", "row"), DEFECTS, ids=[f"{d[0]}: {d[1]}" for d in DEFECTS])
def test_a_planted_defect_is_caught_and_its_row_named(
    tables: Tables, table: str, title: str, plant: Callable[[Tables], None], row: Callable[[Tables], str] | str
) -> None:
    expected_before = row(tables) if callable(row) and title.startswith("every") else None
    plant(tables)
    found = outcome_of(list(suites_of(tables)), table, title)
    expected = expected_before or (row(tables) if callable(row) else row)
    assert not found.success
    assert found.unexpected >= 1
    assert any(expected in name for name in found.rows)
    warnings = ("no near duplicates", "no drawing failed", "did not fail", "every subtopic is ranked", "the answer is")
    assert found.severity == ("warning" if any(words in title for words in warnings) else "error")


def test_answers_are_counted_by_what_they_say(tables: Tables) -> None:
    shares = answer_shares(answers(tables))
    assert shares[["form", "answer", "share"]].to_dict("records") == [
        {"form": "both", "answer": "no", "share": 0.5},
        {"form": "both", "answer": "yes", "share": 0.5},
        {"form": "which", "answer": "entity 1 of the question", "share": 0.5},
        {"form": "which", "answer": "entity 2 of the question", "share": 0.5},
    ]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("Yes, both do.", "yes"),
        ("No", "no"),
        ("None of them", None),
        ("The Satsuma.", "entity 2 of the question"),
        ("satsuma and Granny Smith apple", None),
        ("the blood satsuma", "entity 3 of the question"),
    ],
)
def test_an_answer_is_yes_no_or_one_entity(tables: Tables, answer: str, found: str | None) -> None:
    tables.parquet["entities"].at[1, "name"] = "blood satsuma"
    row = tables.topics["kind"].tolist().index("comparison")
    tables.topics.at[row, "answer"] = answer
    tables.topics.at[row, "entities"] = ["granny-smith", "satsuma", "red-delicious"]
    assert answers(tables)["answer"].iloc[0] == found


def test_at_most_twenty_rows_are_named() -> None:
    rows = pd.DataFrame([{"image_id": f"{n:02}", "colour": "red"} for n in range(50)], dtype=object)
    (found,) = run_suites([Suite("images", rows, ("image_id",), (among("colour", ["blue"], "it is blue"),))])
    assert (found.unexpected, len(found.rows), found.rows[0]) == (50, 20, "00")


def test_the_stage_writes_the_same_bytes_and_shows_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = tiny_benchmark(tmp_path)
    rewrite_drawing(paths)
    run_step(stage, tiny_params(), paths)
    path = paths.checks / "checks.json"
    before = path.read_bytes()
    out = capsys.readouterr().out
    assert "warning: drawings: expected: no drawing failed; 1 at fault: " in out
    assert "expectations, 1 warnings, none failed" in out
    run_step(stage, tiny_params(), paths)
    assert path.read_bytes() == before
    metrics = json.loads((paths.checks / "metrics.json").read_text())
    assert (metrics["drawings"]["warnings"], metrics["drawings"]["rows_at_fault"]) == (1, 1)
    assert sum(table["expectations"] for table in metrics.values()) == len(json.loads(before)["checks"])
    first_check = json.loads(before)["checks"][0]
    assert set(first_check) == {"table", "expectation", "severity", "success", "unexpected", "rows"}


def rewrite_drawing(paths: Paths) -> None:
    from fieldguide.records.drawings import DRAWINGS

    rewrite(DRAWINGS, paths.drawings, status=lambda f: ["failed", *f["status"][1:]])


def test_a_failed_expectation_stops_the_build_and_leaves_no_success(tmp_path: Path) -> None:
    from fieldguide.records.judgments import QRELS

    paths = tiny_benchmark(tmp_path)
    for name in ("checks.json", "metrics.json"):
        write_json(paths.checks / name, {"checks": []})  # of an earlier run
    path = paths.qrels / "qrels.parquet"
    qrels = QRELS.read(path)
    QRELS.write(path, qrels.iloc[1:])
    lost = f"{qrels['subtopic_id'].iloc[0]} {qrels['image_id'].iloc[0]}"
    with pytest.raises(ProblemsError) as caught:
        run_step(stage, tiny_params(), paths)
    assert f"pools: expected: every pooled image is judged; 1 at fault: {lost}" in str(caught.value)
    assert list(paths.checks.iterdir()) == []
    failed = json.loads((paths.state / "failed-checks.json").read_text())["checks"]
    assert [c["rows"] for c in failed if not c["success"]] == [[lost]]
    QRELS.write(path, qrels)
    run_step(stage, tiny_params(), paths)
    assert not (paths.state / "failed-checks.json").exists()


def test_where_people_judge_a_part_may_be_unjudged_and_is_told(tmp_path: Path) -> None:
    """They stop by a rule, or are told to; a subtopic that nobody judged need not have relevant images."""
    from fieldguide.records.judgments import QRELS

    params = tiny_params(adjudicate={"judge": "log"})
    paths = tiny_benchmark(tmp_path)
    path = paths.qrels / "qrels.parquet"
    qrels = QRELS.read(path)
    QRELS.write(path, qrels[qrels["subtopic_id"] != qrels["subtopic_id"].iloc[0]])
    run_step(stage, params, paths)
    outcomes = json.loads((paths.checks / "checks.json").read_text())["checks"]
    (told,) = [o for o in outcomes if o["expectation"] == "every pooled image is judged"]
    assert (told["success"], told["severity"]) == (False, "warning")
    assert told["unexpected"] == int((qrels["subtopic_id"] == qrels["subtopic_id"].iloc[0]).sum())
    with pytest.raises(ProblemsError, match="every pooled image is judged"):
        run_step(stage, tiny_params(), paths)


def test_a_table_that_is_not_as_declared_is_refused(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    table = pq.read_table(paths.pools)
    pq.write_table(table.drop_columns(["image_id"]).append_column("image", pa.array(["x"] * len(table))), paths.pools)
    with pytest.raises(ProblemsError, match=r"pools\.parquet: column `image_id` is missing"):
        checked(paths)


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    paths = tiny_benchmark(tmp_path)
    paths.pools.write_bytes(b"not parquet")
    with pytest.raises(FieldguideError, match=r"pools\.parquet: not a Parquet file"):
        checked(paths)
    paths.pools.unlink()
    with pytest.raises(FieldguideError, match=r"pools\.parquet: no such file; `dvc repro` makes it"):
        checked(paths)
