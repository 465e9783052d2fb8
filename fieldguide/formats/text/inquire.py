"""INQUIRE, whole: queries and the images that are relevant, over all of iNaturalist 2024 (arXiv 2411.02537).

As its repository documents it: a folder with `inquire_queries_val.csv`, `inquire_queries_test.csv` or
`inquire_queries.csv` (`query_id`, `query_text`, and what the query is about) and `inquire_annotations.csv`
(`query_id`, `image_path`: the relevant images, and no others). Every image that is not listed counts as not relevant
there; here it is unjudged, and stays so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.formats.collection import PublishedBenchmark, PublishedQuestion
from fieldguide.formats.text import rows
from fieldguide.formats.text.gathering import Gathering

NAME = "inquire"
QUERIES = ("inquire_queries.csv", "inquire_queries_val.csv", "inquire_queries_test.csv")
ANNOTATIONS = "inquire_annotations.csv"
POOL = "relevant"
ROOTS = {"": "iNaturalist 2024 (its folder `train`)"}
_FILE = "file"
"""Field of a question: which of QUERIES holds it."""
_ROWS = "annotations"
"""Field of a question: cells of the annotations' other columns, by column, in the order of the images."""


def read(path: Path) -> PublishedBenchmark:
    """Read the folder.

    Raises:
        FieldguideError: the folder or its files are missing, no text.
        ProblemsError: missing columns, rows of another length, query ids that are none or occur twice.
    """
    files = [name for name in QUERIES if (path / name).is_file()]
    if not files:
        raise FieldguideError(f"{path}: holds none of {', '.join(QUERIES)}")
    found = Gathering()
    for name in files:
        table = rows.read(path / name, ("query_id", "query_text"))
        found.deviations += table.deviations
        for row, where in zip(table.rows, table.places, strict=True):
            cells = dict(zip(table.columns, row, strict=True))
            query_id, text = cells.pop("query_id"), cells.pop("query_text")
            found.topic(query_id, text, where, {**cells, _FILE: name})
    extra = _annotations(path / ANNOTATIONS, found)
    if found.problems:
        raise ProblemsError(f"{path} cannot be read:", found.problems)
    questions = tuple(_with_rows(question, extra) for question in found.questions())
    return PublishedBenchmark(
        path.name or NAME, NAME, questions, tuple(found.deviations), ROOTS, files=(*files, ANNOTATIONS)
    )


def recognise(path: Path) -> bool:
    """Whether the folder holds the files."""
    return path.is_dir() and (path / ANNOTATIONS).is_file()


def write(collection: PublishedBenchmark) -> dict[str, str]:
    """The published files by name.

    Raises:
        FieldguideError: the collection has labels that the format cannot hold (it lists relevant images only).
    """
    if collection.format != NAME:
        raise FieldguideError(f"{collection.name}: inquire lists relevant images only; export it as beir, trec or csv")
    texts = {}
    for name in QUERIES:
        held = [question for question in collection.questions if question.fields.get(_FILE) == name]
        if held:
            columns = ["query_id", "query_text", *(key for key in held[0].fields if key not in {_FILE, _ROWS})]
            texts[name] = rows.write(columns, [_query_row(question, columns) for question in held])
    texts = texts or {QUERIES[0]: rows.write(["query_id", "query_text"], [])}
    others = dict.fromkeys(name for question in collection.questions for name in question.fields.get(_ROWS, ()))
    columns = ["query_id", "image_path", *others]
    lines = [row for question in collection.questions for row in _annotation_rows(question, columns)]
    return {**texts, ANNOTATIONS: rows.write(columns, lines)}


def _annotations(path: Path, found: Gathering) -> dict[str, dict[str, list[str]]]:
    """Labels into `found`; gives the other columns' cells by query."""
    table = rows.read(path, ("query_id", "image_path"))
    found.deviations += table.deviations
    others = [name for name in table.columns if name not in {"query_id", "image_path"}]
    extra: dict[str, dict[str, list[str]]] = {}
    for row, where in zip(table.rows, table.places, strict=True):
        cells = dict(zip(table.columns, row, strict=True))
        query_id = cells["query_id"]
        found.known(query_id, where)
        found.label(query_id, POOL, cells["image_path"], 1, where)
        for name in others:
            extra.setdefault(query_id, {}).setdefault(name, []).append(cells[name])
    return extra


def _with_rows(question: PublishedQuestion, extra: Mapping[str, Any]) -> PublishedQuestion:
    if question.topic_id not in extra:
        return question
    fields = {**question.fields, _ROWS: extra[question.topic_id]}
    return PublishedQuestion(question.topic_id, question.text, question.answers, question.pools, fields, question.where)


def _query_row(question: PublishedQuestion, columns: list[str]) -> list[str]:
    cells = {**question.fields, "query_id": question.topic_id, "query_text": question.text}
    return [cells[name] for name in columns]


def _annotation_rows(question: PublishedQuestion, columns: list[str]) -> list[list[str]]:
    images = [image for pool in question.pools for image in pool.labels]
    if not images:
        return []
    cells: dict[str, list[str]] = dict(question.fields.get(_ROWS, {}))
    cells |= {"query_id": [question.topic_id] * len(images), "image_path": images}
    return [list(row) for row in zip(*(cells[name] for name in columns), strict=True)]
