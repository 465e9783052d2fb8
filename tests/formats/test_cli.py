"""`fieldguide import` and `fieldguide export` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from fieldguide.cli import formats as import_cli
from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.formats import manifest, tables
from fieldguide.formats.reading import read
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.topics import read_topics

RECORD = {
    "images": {"e1": {"s/a.jpg": 1, "s/b.jpg": 0}, "e2": {"s/a.jpg": 0, "../c.jpg": None}},
    "answer": ["The first."], "question": "Which?", "sn": ["Rosa alba", "Rosa rugosa"], "subset": 3,
}  # fmt: skip


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "bench.jsonl"
    path.write_text(json.dumps(RECORD) + "\n", encoding="utf-8")
    return path


def run(*arguments: object) -> str:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("import")(import_cli.import_)
    app.command("export")(import_cli.export_)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_import_and_export(published: Path, tmp_path: Path) -> None:
    house = tmp_path / "house"
    shown = run("import", "auto", published, "--to", house)
    assert "bench (visual-rag-me)" in shown
    for line in ("1 questions", "2 subtopics", "3 images", "3 labels", "1 relevant", "1 unjudged"):
        assert line in shown
    assert "An export gives every label and field back." in shown
    assert "1 names are not looked for: no path below a folder, the first '../c.jpg'." in shown
    run("export", house, "--to", tmp_path / "again")
    assert (tmp_path / "again" / "bench.jsonl").read_bytes() == published.read_bytes()


def test_the_tables_say_what_the_file_says_and_no_more(published: Path, tmp_path: Path) -> None:
    house = tmp_path / "house"
    run("import", "visual-rag-me", published, "--to", house)
    (topic,) = read_topics(house / tables.TOPICS)
    assert (topic.topic_id, topic.kind, topic.text, topic.answer) == ("t0001", "comparison", "Which?", "The first.")
    assert (topic.form, topic.feature, topic.part, topic.values) == ("", "", "", {})
    assert topic.entities == ("rosa-alba", "rosa-rugosa")
    assert topic.provenance["fields"] == {"sn": ["Rosa alba", "Rosa rugosa"], "subset": 3}
    names = manifest.names(manifest.read(house / tables.MANIFEST))
    qrels = QRELS.read(house / tables.QRELS)
    found = [(row.subtopic_id, names[row.image_id], row.grade) for row in qrels.itertuples()]
    assert found == [("t0001.e1", "s/a.jpg", 1), ("t0001.e1", "s/b.jpg", 0), ("t0001.e2", "s/a.jpg", 0)]
    assert set(qrels["decided_by"]) == {"published"}
    assert len(POOLS.read(house / tables.POOLS)) == 4
    assert (house / tables.QRELS_NAMES).read_text().splitlines()[0] == "t0001.e1 0 s/a.jpg 1"
    again = tmp_path / "twice"
    run("import", "visual-rag-me", published, "--to", again)
    files = [file.relative_to(house) for file in house.rglob("*") if file.is_file()]
    assert len(files) == 9
    for file in files:
        assert (house / file).read_bytes() == (again / file).read_bytes(), file


def test_dry_run_writes_nothing_and_counts(published: Path, tmp_path: Path) -> None:
    shown = json.loads(run("import", "auto", published, "--to", tmp_path / "house", "--dry-run", "--json"))
    assert shown["folder"] is None
    assert shown["counts"]["labels"] == 3
    assert shown["whole"] is True
    assert not (tmp_path / "house").exists()


def test_a_lossy_import_needs_to_be_accepted(published: Path, tmp_path: Path) -> None:
    published.write_text(published.read_text().replace('"s/b.jpg": 0', '"s/b.jpg": "no"'))
    with pytest.raises(ProblemsError, match="give --accept-loss"):
        run("import", "auto", published, "--to", tmp_path / "house")
    assert not (tmp_path / "house").exists()
    shown = run("import", "auto", published, "--to", tmp_path / "house", "--accept-loss")
    assert "An export gives not everything back." in shown
    about = json.loads((tmp_path / "house" / tables.ABOUT).read_text())
    assert [deviation["kind"] for deviation in about["deviations"]] == ["label"]


def beir(folder: Path, grade: str) -> Path:
    (folder / "qrels").mkdir(parents=True)
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "a moth"}\n')
    corpus = "".join(f'{{"_id": "{image}", "title": "", "text": ""}}\n' for image in "ab")
    (folder / "corpus.jsonl").write_text(corpus)
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\nq1\ta\t{grade}\nq1\tb\t0\n")
    return folder


def test_grades_as_pandas_writes_them_are_grades(tmp_path: Path) -> None:
    shown = run("import", "auto", beir(tmp_path / "beir", "1.0"), "--to", tmp_path / "house")
    assert "An export gives every label and field back." in shown
    assert QRELS.read(tmp_path / "house" / tables.QRELS)["grade"].tolist() == [1, 0]


def test_what_a_format_cannot_hold_again_is_listed_and_the_way_out_works(tmp_path: Path) -> None:
    published = beir(tmp_path / "beir", "high")
    for way in ("--dry-run", "--accept-loss"):
        shown = run("import", "auto", published, "--to", tmp_path / "house", way)
        assert "label of 'a' is 'high'; expected a whole number" in shown
        assert "An export gives not everything back." in shown
    run("export", tmp_path / "house", "--to", tmp_path / "again", "--format", "csv")
    assert read(None, tmp_path / "again" / "beir.csv").pools[0].labels == {"a": None, "b": 0}


def test_images_are_looked_for(published: Path, tmp_path: Path) -> None:
    (tmp_path / "images" / "s").mkdir(parents=True)
    (tmp_path / "images" / "s" / "a.jpg").write_bytes(b"photograph")
    shown = run("import", "auto", published, "--to", tmp_path / "house", "--images", tmp_path / "images")
    assert "1 images found below" in shown
    assert "1 images are missing below" in shown


def test_an_import_is_read_like_the_file_and_not_imported_again(published: Path, tmp_path: Path) -> None:
    run("import", "auto", published, "--to", tmp_path / "house")
    assert read(None, tmp_path / "house") == read(None, published)
    with pytest.raises(FieldguideError, match="is an import already; `fieldguide export` gives its files back"):
        run("import", "auto", tmp_path / "house")


def test_export_needs_an_import(tmp_path: Path) -> None:
    with pytest.raises(FieldguideError, match="name a folder that `fieldguide import` made"):
        run("export", tmp_path, "--to", tmp_path / "out")


def test_export_says_what_a_format_cannot_hold(published: Path, tmp_path: Path) -> None:
    run("import", "auto", published, "--to", tmp_path / "house")
    for form, what in {
        "visual-rag": "t0001 has 2 pools, and this format holds one a question",
        "trec": "1 pools have images without a label, the first t0001.e2",
        "inquire": "inquire lists relevant images only",
    }.items():
        with pytest.raises(FieldguideError, match=what):
            run("export", tmp_path / "house", "--to", tmp_path / "out", "--format", form)


def test_an_entity_without_a_name_is_shared_by_no_two_topics(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text('[{"query": "a", "images": {"i": 1}}, {"query": "b", "images": {"i": 0}}]')
    run("import", "auto", path, "--to", tmp_path / "house")
    topics = read_topics(tmp_path / "house" / tables.TOPICS)
    assert [topic.entities for topic in topics] == [("unnamed-t0001.e1",), ("unnamed-t0002.e1",)]
