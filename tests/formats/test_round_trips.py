"""Published files -> collection -> house tables -> published files: nothing is lost, whatever they hold."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldguide.formats import export, manifest, tables
from fieldguide.formats.reading import read, recognise
from tests.formats.shapes import LABELS, NAME, TEXT, records
from tests.published import INQUIRE_RERANK_HARD, VISUAL_RAG_ME, benchmarks

__all__ = ["benchmarks"]
few = settings(max_examples=12, deadline=None)


def through(path: Path, form: str, folder: Path) -> dict[str, str]:
    """What an export gives back of what was imported from `path`; read again, every label and field is equal."""
    collection = read(form, path)
    tables.refuse_losses(collection)
    house = folder / "house"
    tables.write(house, collection, manifest.manifest(collection.images), export.sources(collection, path))
    assert tables.read(house) == collection
    written = export.export(house, form, folder / "again")
    again = read(form, folder / "again" if path.is_dir() else written[0])
    assert (again.questions, again.corpus) == (collection.questions, collection.corpus)
    assert export.is_whole(collection, path)
    return {file.relative_to(folder / "again").as_posix(): file.read_text(encoding="utf-8") for file in written}


def dumped(value: Any, ascii_only: bool, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent)


def lines(made: list[Any]) -> str:
    """Records with their keys in order, however they were written before."""
    return "".join(json.dumps(record) + "\n" for record in made)


@few
@given(
    records(st.dictionaries(NAME, LABELS, min_size=1, max_size=3), "question", True, 2),
    st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
def test_visual_rag_me_comes_back(made: list[Any], ascii_only: bool, crlf: bool, end: bool) -> None:
    newline = "\r\n" if crlf and len(made) > 1 else "\n"
    text = newline.join(dumped(record, ascii_only) for record in made) + (newline if end else "")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.jsonl"
        path.write_bytes(text.encode())
        assert recognise(path) == "visual-rag-me"
        assert through(path, "visual-rag-me", Path(folder)) == {"file.jsonl": lines(made)}


@few
@given(records(LABELS, "question", True, 1), st.booleans())
def test_visual_rag_comes_back(made: list[Any], ascii_only: bool) -> None:
    text = "".join(dumped(record, ascii_only) + "\n" for record in made)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.jsonl"
        path.write_bytes(text.encode())
        assert recognise(path) == "visual-rag"
        assert through(path, "visual-rag", Path(folder)) == {"file.jsonl": lines(made)}


@few
@given(records(LABELS, "query", False, 0), st.booleans(), st.sampled_from([None, 1, 2, 4]))
def test_inquire_rerank_hard_comes_back(made: list[Any], ascii_only: bool, indent: int | None) -> None:
    text = dumped(made, ascii_only, indent)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.json"
        path.write_bytes(text.encode())
        assert recognise(path) == "inquire-rerank-hard"
        assert through(path, "inquire-rerank-hard", Path(folder)) == {"file.json": json.dumps(made, indent=4)}


def table(rows: list[list[str]], delimiter: str, newline: str, quoting: Any) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    return stream.getvalue()


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\x00"), max_size=8)
IDS = st.lists(NAME, min_size=1, max_size=3, unique=True)


@few
@given(st.data(), IDS, st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_csv_comes_back(data: st.DataObject, topics: list[str], newline: str, quoting: Any) -> None:
    columns = data.draw(st.permutations(["topic_id", "question", "image", "label", "pool", "entity", "answers", "x"]))
    rows = [columns]
    for topic in topics:
        about = {"topic_id": topic, "question": data.draw(CELL), "answers": data.draw(CELL), "x": data.draw(CELL)}
        for pool, labels in data.draw(st.dictionaries(NAME, LABELS.filter(bool), min_size=1, max_size=2)).items():
            entity = data.draw(CELL)
            for image, label in labels.items():
                row = {**about, "pool": pool, "entity": entity, "image": image}
                rows.append([{**row, "label": "" if label is None else str(label)}[name] for name in columns])
    text = table(rows, ",", newline, quoting)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_bytes(text.encode())
        assert recognise(path) == "csv"
        assert through(path, "csv", Path(folder)).keys() == {"file.csv"}


@few
@given(st.data(), IDS, st.lists(NAME, min_size=1, max_size=4, unique=True))
def test_beir_comes_back(data: st.DataObject, queries: list[str], corpus: list[str]) -> None:
    files = {
        "queries.jsonl": "".join(
            dumped({"_id": q, "text": data.draw(TEXT), "metadata": {}}, False) + "\n" for q in queries
        ),
        "corpus.jsonl": "".join(dumped({"title": data.draw(TEXT), "_id": d}, False) + "\n" for d in corpus),
    }
    for split in ("dev", "test"):
        rows = [["query-id", "corpus-id", "score"]]
        for query in queries:
            judged = data.draw(st.lists(st.sampled_from(corpus), unique=True))
            rows += [[query, image, str(data.draw(st.integers(0, 2)))] for image in judged]
        files[f"qrels/{split}.tsv"] = table(rows, "\t", "\n", csv.QUOTE_MINIMAL)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "beir"
        export.write_texts(files, path)
        assert recognise(path) == "beir"
        assert through(path, "beir", Path(folder)).keys() <= set(files)


@few
@given(st.data(), IDS, st.booleans(), st.sampled_from(["\t", " "]))
def test_trec_comes_back(data: st.DataObject, topics: list[str], blocks: bool, separator: str) -> None:
    titles = {topic: "".join(data.draw(CELL).split()) or "?" for topic in topics}
    if blocks:
        titles = {topic: title.replace("<", "") for topic, title in titles.items()}
        shown = [f"<top>\n<num> Number: {t}\n<title> {title}\n<desc> more\n</top>\n\n" for t, title in titles.items()]
        files = {"topics.txt": "\n" + "".join(shown)}
    else:
        files = {"topics.txt": "".join(f"{topic}\t{title}\n" for topic, title in titles.items())}
    lines = []
    for topic in topics:
        for iteration in data.draw(st.sampled_from([["0"], ["1", "2"]])):
            for image, label in data.draw(LABELS).items():
                lines.append(separator.join((topic, iteration, image, str(label or 0))) + "\n")
    files["x.qrels"] = "".join(lines)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trec"
        export.write_texts(files, path)
        assert recognise(path) == "trec"
        assert through(path, "trec", Path(folder)).keys() == {"topics.tsv", "qrels.txt"}


@few
@given(st.data(), IDS)
def test_inquire_comes_back(data: st.DataObject, queries: list[str]) -> None:
    files: dict[str, list[list[str]]] = {
        "inquire_queries_val.csv": [["", "query_id", "query_text", "category"]],
        "inquire_queries_test.csv": [["query_id", "query_text"]],
        "inquire_annotations.csv": [["query_id", "image_path", "image_id"]],
    }
    in_file: dict[bool, list[str]] = {True: [], False: []}
    for query in queries:
        in_file[data.draw(st.booleans())].append(query)
    files["inquire_queries_val.csv"] += [[data.draw(CELL), q, data.draw(CELL), data.draw(CELL)] for q in in_file[True]]
    files["inquire_queries_test.csv"] += [[query, data.draw(CELL)] for query in in_file[False]]
    for query in [*in_file[True], *in_file[False], "300"]:
        if query not in files:
            images = data.draw(st.lists(NAME, unique=True, max_size=3))
            files["inquire_annotations.csv"] += [[query, image, data.draw(CELL)] for image in images]
    if "300" in queries:
        return
    texts = {name: table(rows, ",", "\n", csv.QUOTE_MINIMAL) for name, rows in files.items()}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "inquire"
        export.write_texts(texts, path)
        assert recognise(path) == "inquire"
        assert through(path, "inquire", Path(folder)).keys() <= set(texts)


@few
@given(st.dictionaries(NAME, st.dictionaries(NAME, st.integers(-1, 3), min_size=1, max_size=3), min_size=1, max_size=3))
@pytest.mark.parametrize("form", ["csv", "beir", "trec", "visual-rag-me"])
def test_every_label_survives_a_change_of_format(form: str, images: dict[str, dict[str, int]]) -> None:
    record = {
        "question": "Which one?",
        "images": images or {"e": {"i": 1}},
        "answer": ["that"],
        "sn": ["s"] * len(images),
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.jsonl"
        path.write_text(json.dumps(record) + "\n", encoding="utf-8")
        collection = read("visual-rag-me", path)
        house = Path(folder) / "house"
        tables.write(house, collection, manifest.manifest(collection.images), {})
        written = export.export(house, form, Path(folder) / "other")
        again = read(form, written[0] if form in {"csv", "visual-rag-me"} else Path(folder) / "other")
        assert [dict(pool.labels) for pool in again.pools] == [dict(pool.labels) for pool in collection.pools]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (VISUAL_RAG_ME, {"questions": 50, "subtopics": 100, "images": 26133, "labels": 26305, "relevant": 2082}),
        (INQUIRE_RERANK_HARD, {"questions": 59, "subtopics": 59, "images": 5806, "labels": 5900, "relevant": 739}),
    ],
)
def test_the_published_files_come_back_byte_for_byte(
    benchmarks: Path, tmp_path: Path, name: str, counts: dict[str, int]
) -> None:
    path = benchmarks / name
    collection = read(None, path)
    assert counts.items() <= tables.counts(collection).items()
    assert collection.deviations == ()
    assert through(path, collection.format, tmp_path) == {name: path.read_text(encoding="utf-8")}
