"""BEIR: a folder with corpus.jsonl, queries.jsonl and qrels/*.tsv (arXiv 2104.08663).

`corpus.jsonl` and `queries.jsonl` hold an object a line with `_id` and, for queries, `text`; a file of qrels has the
columns `query-id`, `corpus-id`, `score` and is named after its split, which becomes the pool's name. Such a file alone
is read too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.formats.collection import PublishedBenchmark, PublishedQuestion
from fieldguide.formats.deviations import Deviation
from fieldguide.formats.json import parsing
from fieldguide.formats.labels import refuse_unjudged
from fieldguide.formats.text import rows, text
from fieldguide.formats.text.gathering import Gathering

NAME = "beir"
CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
COLUMNS = ("query-id", "corpus-id", "score")


def read(path: Path) -> PublishedBenchmark:
    """Read the folder, or one file of its qrels; without a corpus.jsonl, the images are those of the qrels.

    Raises:
        FieldguideError: the folder or its files are missing, no text.
        ProblemsError: lines that are no objects, without an `_id` or with one that occurs twice, rows of another
            length; all of a file.
    """
    alone = not path.is_dir()
    splits = [path] if alone else sorted((path / QRELS).glob("*.tsv"))
    if not splits:
        raise FieldguideError(f"{path / QRELS}: holds no .tsv file; BEIR has one a split, such as qrels/test.tsv")
    found = Gathering()
    files = [name for name in (CORPUS, QUERIES) if (path / name).is_file()]
    corpus = _objects(path / CORPUS, found) if CORPUS in files else {}
    queries = {} if alone else _objects(path / QUERIES, found)
    for query_id, (record, where) in queries.items():
        _query(query_id, record, where, found)
    for split in splits:
        table = rows.read(split, COLUMNS, "\t")
        found.deviations += table.deviations
        _labels(table, split.name.split(".")[0], set(corpus), found)
    if found.problems:
        raise ProblemsError(f"{path} cannot be read:", found.problems)
    listed = {image: record for image, (record, _) in corpus.items()}
    questions = tuple(_with_keys(q, queries.get(q.topic_id)) for q in found.questions())
    files += [split.name if alone else f"{QRELS}/{split.name}" for split in splits]
    name, noticed = path.name or NAME, tuple(found.deviations)
    return PublishedBenchmark(name, NAME, questions, noticed, corpus=listed, files=tuple(files))


def recognise(path: Path) -> bool:
    """Whether the folder holds the files, or the first line of the file names the columns of qrels."""
    if path.is_dir():
        return (path / QUERIES).is_file() and (path / QRELS).is_dir()
    return tuple(text.first_line(path).split()) == COLUMNS


def write(collection: PublishedBenchmark) -> dict[str, str]:
    """The published files by name. Another format's subtopics become queries, in one split `test`.

    Raises:
        FieldguideError: a pool has images without a label, which BEIR cannot hold.
    """
    refuse_unjudged(collection)
    if collection.format != NAME:
        return _foreign(collection)
    texts = {QUERIES: _dumped(_record(question) for question in collection.questions if question.keys)}
    if collection.corpus:
        texts[CORPUS] = _dumped(collection.corpus.values())
    for split in dict.fromkeys(pool.name for pool in collection.pools) or ("test",):
        lines = [
            [question.topic_id, image, str(label)]
            for question in collection.questions
            for pool in question.pools
            if pool.name == split
            for image, label in pool.labels.items()
        ]
        texts[f"{QRELS}/{split}.tsv"] = rows.write(COLUMNS, lines, "\t")
    return texts


def _foreign(collection: PublishedBenchmark) -> dict[str, str]:
    pools = [(question, pool) for question in collection.questions for pool in question.pools]
    queries = [{"_id": pool.subtopic_id, "text": question.text, "metadata": {}} for question, pool in pools]
    corpus = [{"_id": image, "title": "", "text": ""} for image in collection.images]
    lines = [[pool.subtopic_id, image, str(label)] for _, pool in pools for image, label in pool.labels.items()]
    return {
        CORPUS: _dumped(corpus),
        QUERIES: _dumped(queries),
        f"{QRELS}/test.tsv": rows.write(COLUMNS, lines, "\t"),
    }


def _dumped(records: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records)


def _objects(path: Path, found: Gathering) -> dict[str, tuple[dict[str, Any], str]]:
    """Objects by `_id` with their places."""
    content, about = text.without_mark(text.whole(path), path)
    found.deviations += about
    objects: dict[str, tuple[dict[str, Any], str]] = {}
    for number, line in enumerate(content.split("\n"), 1):
        bare, where = line.removesuffix("\r"), f"{path}:{number}"
        if not bare.strip():
            continue
        try:
            value = parsing.parse(bare)
        except ValueError as error:
            found.problems.append(Problem(where, str(error)))
            continue
        name = value.get("_id") if isinstance(value, dict) else None
        if not isinstance(name, str):
            what = f"expected an object with a text `_id`, found {parsing.brief(value)}"
            found.problems.append(Problem(where, what))
        elif name in objects:
            found.problems.append(Problem(where, f"`_id` {name!r} occurs twice, first at {objects[name][1]}"))
        else:
            objects[name] = (value, where)
            found.deviations += parsing.deviations(value, where)
    return objects


def _query(query_id: str, record: dict[str, Any], where: str, found: Gathering) -> None:
    shown = record.get("text")
    if not isinstance(shown, str):
        kind = "wrong-type" if "text" in record else "missing-field"
        found.deviations.append(Deviation(where, kind, "`text` of the query is missing or no text"))
    taken = {"_id", "text"} if isinstance(shown, str) else {"_id"}
    fields = {key: value for key, value in record.items() if key not in taken}
    found.topic(query_id, shown if isinstance(shown, str) else "", where, fields)


def _labels(table: rows.Rows, split: str, corpus: set[str], found: Gathering) -> None:
    columns = [table.column(name) for name in COLUMNS]
    strangers: dict[str, str] = {}
    for query_id, image, label, where in zip(*columns, table.places, strict=True):
        found.known(query_id, where)
        found.label(query_id, split, image, label, where)
        if label == "":
            found.deviations.append(Deviation(where, "label", f"label of {image!r} is empty; expected a whole number"))
        if corpus and image not in corpus:
            strangers.setdefault(image, where)
    for image, where in strangers.items():
        found.deviations.append(Deviation(where, "unknown-image", f"{image!r} is not in {CORPUS}"))


def _with_keys(question: PublishedQuestion, found: tuple[dict[str, Any], str] | None) -> PublishedQuestion:
    if found is None:
        return question
    given = (question.topic_id, question.text, question.answers, question.pools, question.fields, question.where)
    return PublishedQuestion(*given, keys=tuple(found[0]))


def _record(question: PublishedQuestion) -> dict[str, Any]:
    own = {"_id": question.topic_id, "text": question.text, **question.fields}
    return {key: own[key] for key in question.keys}
