"""Forms that are read and not written: captions, changes, classes, questions. The examples are invented."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from fieldguide.cli.main import app
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.formats.export import export
from fieldguide.formats.json import captions
from fieldguide.formats.reading import read, recognise
from fieldguide.formats.text import text

KARPATHY = {
    "dataset": "x",
    "images": [
        {"filepath": "val", "filename": "a.jpg", "split": "test", "imgid": 0, "sentids": [3, 4],
         "sentences": [{"raw": "A dog runs.", "sentid": 3}, {"raw": "A dog.", "sentid": 4}]},
        {"filepath": "val", "filename": "b.jpg", "split": "train", "imgid": 1, "sentids": [5],
         "sentences": [{"raw": "A cat.", "sentid": 5}]},
    ],
}  # fmt: skip
CIRR = [
    {"pairid": 12, "reference": "r", "target_hard": "t", "target_soft": {"t": 1.0}, "caption": "one dog less",
     "img_set": {"id": 1, "members": ["r", "t", "m"]}},
    {"pairid": 13, "reference": "r", "caption": "darker", "img_set": {"id": 1, "members": ["r", "m"]}},
]  # fmt: skip
FASHION = [{"target": "T1", "candidate": "C1", "captions": ["is solid black ", "has no sleeves"]}]


def written(path: Path, value: Any, indent: int | None = None) -> Path:
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8")
    return path


@pytest.mark.parametrize("indent", [None, 2])
def test_captions_of_the_test_split_mean_their_image(tmp_path: Path, indent: int | None) -> None:
    found = read(None, written(tmp_path / "dataset_x.json", KARPATHY, indent))
    assert (found.name, found.format) == ("dataset_x", "karpathy")
    assert [(q.topic_id, q.text) for q in found.questions] == [("s3", "A dog runs."), ("s4", "A dog.")]
    assert found.qrels == {"s3.e1": {"val/a.jpg": 1}, "s4.e1": {"val/a.jpg": 1}}
    assert list(found.corpus) == ["val/a.jpg"]


def karpathy(number: int, split: str) -> dict[str, Any]:
    """An entry as `dataset_coco.json` has it, of five captions."""
    words = [f"word{n}" for n in range(10)]
    sentences = [{"tokens": words, "raw": " ".join(words), "imgid": number, "sentid": 5 * number + n} for n in range(5)]
    return {"filename": f"{number}.jpg", "split": split, "imgid": number, "cocoid": 7, "sentences": sentences}


@pytest.mark.parametrize("key", ["images", "dataset"])
def test_it_is_told_by_its_beginning_and_other_splits_are_passed_over(tmp_path: Path, key: str) -> None:
    elsewhere = {"split": "restval", "sentences": [{"raw": "without an id"}], "deep": [[[["x"]]]]}
    value = {"dataset": "coco", "images": [elsewhere, karpathy(1, "test"), karpathy(2, "val")]}
    path = tmp_path / "dataset_coco.json.gz"
    path.write_bytes(gzip.compress(json.dumps({key: value.pop(key), **value}).encode()))
    assert recognise(path) == "karpathy"
    found = read(None, path)
    assert [q.topic_id for q in found.questions] == ["s5", "s6", "s7", "s8", "s9"]
    assert found.corpus == {"1.jpg": {"filename": "1.jpg", "split": "test", "imgid": 1, "cocoid": 7}}
    assert found.questions[0].where.endswith("item 2")


@pytest.mark.parametrize("head", ['{"images": {"a": 1}, "sentences": "x"}', '[{"images": [{"sentences": 1}]}]', "{}"])
def test_what_begins_otherwise_is_something_else(tmp_path: Path, head: str) -> None:
    (tmp_path / "x.json").write_text(head, encoding="utf-8")
    assert not captions.is_karpathy(tmp_path / "x.json")
    assert not captions.is_karpathy(tmp_path)


def test_memory_holds_the_test_split_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "x.json", {"images": [karpathy(n, "train" if n else "test") for n in range(2_000)]})
    monkeypatch.setattr(text, "LONGEST_FILE", path.stat().st_size)  # room for so much is asked for at once
    tracemalloc.start()
    assert len(read(None, path).questions) == 5
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * path.stat().st_size  # all of it as objects is more than six times as much


def test_a_change_has_its_target_and_the_rest_of_its_set(tmp_path: Path) -> None:
    found = read(None, written(tmp_path / "cap.rc2.val.json", CIRR))
    assert found.format == "cirr"
    first, second = found.questions
    assert (first.topic_id, first.text, first.fields["reference"]) == ("12", "one dog less", "r")
    assert list(first.pools[0].labels.items()) == [("t", 1), ("m", 0)]
    assert second.pools == ()  # its target is not published
    assert list(found.corpus) == ["r", "t", "m"]


def test_the_target_of_a_change_stands_where_it_stands_in_its_set(tmp_path: Path) -> None:
    entry = {**CIRR[0], "img_set": {"id": 1, "members": ["r", "m", "t", "n"]}}
    (question,) = read(None, written(tmp_path / "cap.rc2.val.json", [entry])).questions
    assert list(question.pools[0].labels.items()) == [("m", 0), ("t", 1), ("n", 0)]


def test_two_captions_are_one_text(tmp_path: Path) -> None:
    found = read(None, written(tmp_path / "cap.dress.val.json", FASHION))
    (question,) = found.questions
    assert (question.text, found.format) == ("is solid black and has no sleeves", "fashioniq")
    assert question.pools[0].labels == {"T1": 1}
    assert list(found.corpus) == ["C1", "T1"]


def cub(folder: Path) -> Path:
    folder.mkdir()
    texts = {
        "images.txt": "1 001.Laysan_Albatross/a.jpg\n2 002.Crow/b.jpg\n3 002.Crow/c.jpg\n",
        "image_class_labels.txt": "1 1\n2 2\n3 2\n",
        "classes.txt": "1 001.Laysan_Albatross\n2 002.Crow\n",
        "train_test_split.txt": "1 0\n2 1\n3 0\n",
    }
    for name, content in texts.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_a_class_is_a_topic_with_its_test_images(tmp_path: Path) -> None:
    folder = cub(tmp_path / "CUB")
    found = read(None, folder)
    assert [(q.topic_id, q.text) for q in found.questions] == [("c1", "Laysan Albatross"), ("c2", "Crow")]
    assert found.qrels == {"c1.e1": {"001.Laysan_Albatross/a.jpg": 1}, "c2.e1": {"002.Crow/c.jpg": 1}}
    assert found.entities["002.Crow/c.jpg"] == "Crow"
    (folder / "image_class_labels.txt").write_text("1 1\n2 2\n3 9 9\n", encoding="utf-8")
    with pytest.raises(ProblemsError) as caught:
        read(None, folder)
    assert [problem.what for problem in caught.value.problems] == [
        "has 3 cells; expected 2", "image 3 has no class of classes.txt in image_class_labels.txt",
    ]  # fmt: skip


def test_images_that_help_to_answer_are_relevant(tmp_path: Path) -> None:
    rows = [
        {"id": "7", "question": "Which bird?", "answer": "crow", "aspect": "angle", "image": {"bytes": b"q"},
         "gt_images": [{"bytes": b"a", "path": "a.jpg"}, {"bytes": b"b", "path": None}]}
    ]  # fmt: skip
    (tmp_path / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "test-0.parquet")
    for path in (tmp_path, tmp_path / "data" / "test-0.parquet"):
        assert recognise(path) == "mrag-bench"
        (question,) = read(None, path).questions
        assert (question.topic_id, question.text, question.answers) == ("7", "Which bird?", ("crow",))
        assert question.fields["aspect"] == "angle"
        assert list(question.pools[0].labels) == ["a.jpg", "3e23e8160039594a"]  # the beginning of sha256 of b"b"
    (tmp_path / "data" / "test-0.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(FieldguideError, match="of no format that is known"):
        read(None, tmp_path)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"images": [{"sentences": []}]}, "lacks 'split', which entries of karpathy have"),
        ([CIRR[0], "x"], "is no entry of cirr: x"),
        ([FASHION[0], {"captions": 1}], "is no entry of fashioniq: {"),
    ],
)
def test_every_entry_that_is_none_is_named(tmp_path: Path, value: Any, what: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read(None, written(tmp_path / "x.json", value))
    (problem,) = caught.value.problems
    assert problem.where.endswith(f"item {len(value) if isinstance(value, list) else 1}")
    assert what in problem.what


def test_they_are_imported_evaluated_and_given_on_in_another_form(tmp_path: Path) -> None:
    source, house = written(tmp_path / "cap.dress.val.json", FASHION), tmp_path / "house"
    run = CliRunner().invoke
    told = run(app, ["import", "auto", str(source), "--to", str(house)])
    assert told.exit_code == 0, told.output
    assert "cap.dress.val (fashioniq)" in told.output
    with pytest.raises(FieldguideError, match="fashioniq is read and not written; `--format beir`"):
        export(house, "fashioniq", tmp_path / "again")
    assert export(house, "beir", tmp_path / "again")
    assert read(None, tmp_path / "again").qrels["t0001.e1.e1"] == {"T1": 1}
    (tmp_path / "run.trec").write_text("t0001.e1 Q0 T1 1 2.0 s\nt0001.e1 Q0 C1 2 1.0 s\n", encoding="utf-8")
    scored = run(app, ["evaluate", str(tmp_path / "run.trec"), "--qrels", str(source), "--measures", "RR"])
    assert scored.exit_code == 0, scored.output
    assert "1.000" in scored.output
