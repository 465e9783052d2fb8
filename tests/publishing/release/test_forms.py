"""A release in the forms that other programs read: by those programs, and when they were changed."""

from __future__ import annotations

import ast
import csv
import itertools
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ir_measures
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fieldguide.core.errors import ProblemsError
from fieldguide.core.files import read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.params import Params, parse_params
from fieldguide.publishing.release.make import make_release
from fieldguide.publishing.release.section import Release
from fieldguide.publishing.release.verify import verify_release
from fieldguide.records.drawings import CAPTIONS
from fieldguide.records.images import IMAGES
from fieldguide.records.runs import TRACKS, read_run
from fieldguide.records.topics import read_topics
from tests.builders import tiny_params
from tests.finished import finished_benchmark
from tests.publishing.release.test_release import sign, told

AUTHORS = [
    {"name": "Ada B. Lovelace", "family": "Lovelace", "orcid": "0000-0002-1825-0097", "affiliation": 'Engines: "all"'},
    {"name": "Society of\nFruit"},
]  # fmt: skip
STATED = {"creators": AUTHORS, "url": "https://example.org/fruit", "date": "2026-11-29",
          "responsible": {"annotators": "two # growers", "uses": "comparing <b>systems</b>"}}  # fmt: skip


def with_release(**values: Any) -> Params:
    whole = tiny_params().model_dump(mode="json")
    return parse_params(whole | {"release": whole["release"] | values})


@pytest.fixture(scope="module")
def params() -> Params:
    return with_release(**STATED)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Paths:
    """Not to be changed."""
    paths = finished_benchmark(tmp_path_factory.mktemp("forms"), params)
    gallery = IMAGES.read(paths.images).query("split == 'gallery'")["image_id"]
    rows = [
        {"kind": "image", "key": key, "text": f"a photo of {n}" if n else None, "captioner": "c", "revision": "r",
         "status": "ok" if n else "failed", "reason": None if n else "too dark"}
        for n, key in enumerate(sorted(gallery))
    ]  # fmt: skip
    CAPTIONS.write(paths.captions, CAPTIONS.frame(rows))
    make_release(params, paths)
    return paths


@pytest.fixture
def folder(paths: Paths, tmp_path: Path) -> Path:
    return Path(shutil.copytree(paths.release, tmp_path / "release"))


def test_the_release_agrees_with_itself(paths: Paths) -> None:
    verify_release(paths.release)


def test_datasets_loads_every_configuration(paths: Paths, tmp_path: Path) -> None:
    import datasets

    def load(name: str) -> Any:
        return datasets.load_dataset(str(paths.release), name, split="test", cache_dir=str(tmp_path))

    queries, topics, corpus = load("queries"), load("topics"), load("corpus")
    assert len(set(queries["text"])) == len(queries) == sum(map(len, topics["subtopics"]))
    assert len(corpus) == len(IMAGES.read(paths.images))
    assert set(load("qrels")["subtopic_id"]) <= set(queries["subtopic_id"])
    runs = load("runs").to_pandas()
    for track, system in itertools.product(TRACKS, ("random", "text", "visret")):
        ours = runs[(runs["track"] == track) & (runs["system"] == system)]
        theirs = read_run(paths.run(track, system))
        for column in ("subtopic_id", "image_id", "rank", "score"):
            assert ours[column].tolist() == theirs[column].tolist()
    given = load("thumbnails")
    assert sorted(given["image_id"]) == sorted(corpus.to_pandas().query("licence.notna()")["image_id"])
    assert max(given[0]["image"].size) <= 256
    assert len(load("answers")) > 0 and len(load("pools")) > 0


def test_croissant_is_valid_and_loads(paths: Paths) -> None:
    import mlcroissant

    data = mlcroissant.Dataset(str(paths.release / "croissant.json"))
    assert not data.metadata.issues.errors and not data.metadata.issues.warnings
    sizes = {name: sum(1 for _ in data.records(name)) for name in ("topics", "queries", "corpus", "qrels", "runs")}
    assert sizes["topics"] == len(read_topics(paths.topics))
    assert sizes["corpus"] == len(IMAGES.read(paths.images))
    first = next(iter(data.records("topics")))
    assert {key.partition("/")[2] for key in first} >= {"topic_id", "text", "entities", "answer"}
    told_of = read_json(paths.release / "croissant.json")
    assert (
        told_of["rai:annotatorDemographics"] == ["two # growers"]
        or told_of["rai:annotatorDemographics"] == "two # growers"
    )
    assert "rai:personalSensitiveInformation" not in told_of  # nobody said anything of it
    assert told_of["rai:dataLimitations"]


def test_ir_measures_scores_the_card_s_files_as_the_leaderboard_does(paths: Paths) -> None:
    folder = paths.release
    qrels = list(ir_measures.read_trec_qrels(str(folder / "qrels/qrels.trec")))
    comparisons = {s.subtopic_id for t in read_topics(paths.topics) if t.kind == "comparison" for s in t.subtopics}
    run = ir_measures.read_trec_run(str(folder / "runs/fullrank/visret.trec"))
    measure = ir_measures.nDCG @ 10
    found = ir_measures.calc_aggregate(
        [measure],
        [q for q in qrels if q.query_id in comparisons],
        [line for line in run if line.query_id in comparisons],
    )[measure]
    (row,) = (
        row for row in read_json(folder / "leaderboard.json")
        if (row["track"], row["kind"], row["system"], row["measure"]) == ("fullrank", "comparison", "visret", "nDCG@10")
    )  # fmt: skip
    assert found == pytest.approx(row["mean"])


def test_beir_holds_queries_captions_and_grades(paths: Paths) -> None:
    """Read as BEIR's own GenericDataLoader does."""
    folder = paths.release / "beir"
    corpus = {line["_id"]: line for line in map(json.loads, (folder / "corpus.jsonl").read_text().splitlines())}
    queries = {json.loads(line)["_id"] for line in (folder / "queries.jsonl").read_text().splitlines()}
    with (folder / "qrels/test.tsv").open() as stream:
        rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_MINIMAL))[1:]
    assert {row[0] for row in rows} <= queries and {row[1] for row in rows} <= set(corpus)
    assert all(int(row[2]) >= 0 for row in rows)
    texts = [document["text"] for document in corpus.values()]
    assert texts.count("") == 1 and sum(text.startswith("a photo of ") for text in texts) == len(texts) - 1


def test_it_is_cited_as_its_authors_want(paths: Paths, params: Params) -> None:
    cited = yaml.safe_load((paths.release / "CITATION.cff").read_text())
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "dataset"
    assert cited["authors"] == [
        {"family-names": "Lovelace", "given-names": "Ada B.", "affiliation": 'Engines: "all"',
         "orcid": "https://orcid.org/0000-0002-1825-0097"},
        {"name": "Society of\nFruit"},
    ]  # fmt: skip
    deposited = read_json(paths.release / ".zenodo.json")
    assert [creator["name"] for creator in deposited["creators"]] == ["Lovelace, Ada B.", "Society of\nFruit"]
    assert (cited["version"], deposited["version"]) == (params.release.version,) * 2
    assert deposited["publication_date"] == cited["date-released"] == "2026-11-29"
    card = (paths.release / "README.md").read_text()
    assert "Not stated by whoever made it: release.responsible.biases" in card
    assert "release.creators" not in card


def test_what_nobody_stated_is_said_and_nothing_is_made_up(tmp_path: Path) -> None:
    params = with_release(creators=[], responsible={})
    paths = finished_benchmark(tmp_path, params)
    make_release(params, paths)
    told_of = read_json(paths.release / "croissant.json")
    assert not {"creator", "url", "datePublished", "rai:dataBiases"} & set(told_of)
    card = (paths.release / "README.md").read_text()
    for key in ("release.creators", "release.url", "release.date", "release.responsible.personal\\_data"):
        assert key in card
    assert "thumbnails" in card
    verify_release(paths.release)


def test_people_can_judge_by_what_is_released(tmp_path: Path) -> None:
    paths = finished_benchmark(tmp_path, tiny_params())
    paths.annotation.mkdir()
    for name in ("guidelines.md", "label_config.xml", "gold.csv", "notes-to-myself.txt"):
        (paths.annotation / name).write_text(name)
    make_release(tiny_params(), paths)
    assert {path.name for path in (paths.release / "annotation").iterdir()} == {
        "guidelines.md", "label_config.xml", "gold.csv",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"date": "29.11.2026"}, "release.date"), ({"url": "example.org"}, "release.url"),
        ({"creators": [{"name": "A", "orcid": "12"}]}, "release.creators.0.orcid"),
        ({"responsible": {"other": "x"}}, "release.responsible.other"),
    ],
)  # fmt: skip
def test_wrong_statements_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ProblemsError, match=words.replace(".", r"\.")):
        with_release(**values)


def _json(name: str, edit: Callable[[Any], Any]) -> Callable[[Path], None]:
    return lambda folder: write_json(folder / name, edit(read_json(folder / name)))


def _text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def defect(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return defect


def _parquet(
    name: str, edit: Callable[[pd.DataFrame], pd.DataFrame], groups: int | None = None
) -> Callable[[Path], None]:
    """Change rows, and leave schema and row groups as they are."""

    def defect(folder: Path) -> None:
        path = folder / name
        with pq.ParquetFile(path) as file:
            parts = [file.read_row_group(n) for n in range(file.num_row_groups)]
        changed = edit(pa.concat_tables(parts).to_pandas())
        table = pa.Table.from_pandas(changed, schema=parts[0].schema, preserve_index=False)
        with pq.ParquetWriter(path, parts[0].schema) as writer:
            start = 0
            for part in parts[: groups or len(parts)]:
                writer.write_table(table.slice(start, len(part)))
                start += len(part)

    return defect


def _better(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[len(frame) - 1, "score"] += 1e-9
    return frame


def _other_answer(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[0, "answer"] = "yes" if frame.loc[0, "answer"] != "yes" else "no"
    return frame


def _same_text(folder: Path) -> None:
    path = folder / "queries.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1]["text"] = lines[0]["text"]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def _other_sum(told_of: dict[str, Any]) -> dict[str, Any]:
    first, *others = told_of["distribution"]
    return told_of | {"distribution": [first | {"sha256": "0" * 64}, *others]}


DEFECTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a score in runs.parquet": (_parquet("runs.parquet", _better), "runs.parquet: holds another run of visret on"),
    "a run less": (_parquet("runs.parquet", lambda f: f, groups=5), "runs.parquet: cannot be held against the rest"),
    "an answer in topics.parquet": (_parquet("topics.parquet", _other_answer), "topics.parquet: holds other rows than"),
    "rows in another order": (
        _parquet("queries.parquet", lambda f: f.iloc[::-1].reset_index(drop=True)), "queries.parquet: holds other rows",
    ),
    "two queries with one text": (_same_text, "queries.jsonl: t"),
    "a grade in BEIR": (_text("beir/qrels/test.tsv", "\t1\n", "\t2\n"), "beir/qrels/test.tsv: holds other grades"),
    "a query in BEIR": (_text("beir/queries.jsonl", '"text": "', '"text": "not '), "beir/queries.jsonl: holds other"),
    "an image in BEIR": (_text("beir/corpus.jsonl", '"_id": "', '"_id": "0'), "beir/corpus.jsonl: holds other images"),
    "no JSON": (_text("beir/corpus.jsonl", "{", ""), "beir: cannot be held against the rest"),
    "a thumbnail less": (
        _parquet("thumbnails.parquet", lambda f: f.iloc[1:].reset_index(drop=True)), "thumbnails.parquet: holds other",
    ),
    "a version": (_text("CITATION.cff", "version: 0.1.0", "version: 9.9.9"), "CITATION.cff: version is '9.9.9'"),
    "a deposit's version": (_json(".zenodo.json", lambda z: z | {"version": "2"}), ".zenodo.json: version is '2'"),
    "no YAML": (_text("CITATION.cff", "authors:", "authors: [&"), "CITATION.cff: cannot be held against the rest"),
    "a sum in Croissant": (
        _json("croissant.json", _other_sum),
        "croissant.json: .zenodo.json: is not described",
    ),
    "a column in Croissant": (
        _json("croissant.json", lambda c: c | {"recordSet": c["recordSet"][1:]}), "croissant.json: describes other",
    ),
    "a licence in Croissant": (
        _json("croissant.json", lambda c: c | {"license": "WTFPL"}), "croissant.json: licence is 'WTFPL'",
    ),
    "a list for Croissant": (_json("croissant.json", lambda c: [c]), "croissant.json: cannot be held against the rest"),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_in_another_form_is_found_behind_right_checksums(folder: Path, name: str) -> None:
    defect, what = DEFECTS[name]
    defect(folder)
    sign(folder)
    found = told(folder)
    assert [problem for problem in found if problem.startswith(what)], found


def test_the_section_has_words_for_what_only_people_know() -> None:
    assert Release.model_fields.keys() >= {"creators", "url", "date", "responsible"}


def test_the_task_of_mteb_is_python_whatever_the_curator_wrote(tmp_path: Path) -> None:
    """mteb itself is not installed here: the file is read, and its own part of the work is run."""
    hostile = '"""\\" + __import__("os").abort() # {{ 7 * 7 }}\n'
    params = with_release(description=hostile, licence="CC0-1.0", date="2026-11-29")
    params = params.model_copy(update={"report": params.report.model_copy(update={"title": hostile})})
    paths = finished_benchmark(tmp_path, params)
    make_release(params, paths)
    text = (paths.release / "mteb_task.py").read_text()
    tree = ast.parse(text)
    (task,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert task.name == "FieldguideFruitRetrieval"
    calls = [node for node in ast.walk(task) if isinstance(node, ast.Call)]
    (metadata,) = [call for call in calls if ast.unparse(call.func) == "TaskMetadata"]
    stated = {k.arg: k.value.value for k in metadata.keywords if isinstance(k.value, ast.Constant)}
    assert stated["description"] == hostile and stated["license"] == "cc0-1.0"
    assert stated["annotations_creators"] == "derived"
    assert not any(isinstance(node, ast.Call) and ast.unparse(node.func) == "__import__" for node in ast.walk(tree))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    scope: dict[str, Any] = {"FOLDER": paths.release, "tarfile": tarfile, "os": os, "Path": Path}
    exec(compile(ast.Module(functions, []), "mteb_task", "exec"), scope)
    images = IMAGES.read(paths.images)
    given = set(images.loc[images["licence"].map(bool), "image_id"])
    assert set(scope["_photographs"](set(images["image_id"]))) == given
