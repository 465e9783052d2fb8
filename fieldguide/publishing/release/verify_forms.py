"""The forms of a release that other programs read, held against what they are made of."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from fieldguide.core.errors import FieldguideError, Problem
from fieldguide.core.files import open_input, read_json, read_jsonl, read_text
from fieldguide.core.tables import Table
from fieldguide.params import read_params
from fieldguide.publishing.release.forms import beir, citing, croissant, hub
from fieldguide.publishing.release.forms.kinds import wrong_kinds
from fieldguide.publishing.release.forms.written import query_text
from fieldguide.publishing.release.layout import DESCRIBED, RUNS
from fieldguide.publishing.release.sources import manifest
from fieldguide.records.topics import Topic

_UNREADABLE = (
    FieldguideError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError,
    csv.Error, pa.ArrowException,
)  # fmt: skip


@dataclass(frozen=True)
class Primary:
    """What the other forms are made of: the files of a release as they were read.

    Attributes:
        about: release.json.
        tables: by file name.
        queries: lines of queries.jsonl.
        runs: by track and system.
        sums: sha256 by file name, as SHA256SUMS has it.
    """

    folder: Path
    about: Mapping[str, Any]
    topics: Sequence[Topic]
    tables: Mapping[str, pd.DataFrame]
    queries: Sequence[Mapping[str, Any]]
    runs: hub.Runs
    sums: Mapping[str, str]


def wrong_forms(primary: Primary) -> Iterator[Problem]:
    """Everything in them that does not follow from the rest. What cannot be read is one problem a file."""
    for name, check in (
        ("queries.jsonl", _queries), ("topics.parquet", _tables), (RUNS, _runs), (beir.FOLDER, _beir),
        ("thumbnails.parquet", _thumbnails), (croissant.FILE, _croissant), (citing.CITATION, _citing),
        (manifest.FILE, _sources), ("qrels", _kinds),
    ):  # fmt: skip
        try:
            yield from (Problem(str(primary.folder / (file or name)), what) for file, what in check(primary))
        except _UNREADABLE as error:
            yield Problem(str(primary.folder / name), f"cannot be held against the rest: {error!r}")


Found = Iterator[tuple[str, str]]
"""Which file, empty for the one that is checked, and what is wrong with it."""


def _queries(primary: Primary) -> Found:
    """One text a query, which says what is searched for."""
    names = _names(primary)
    wanted = {
        subtopic.subtopic_id: query_text(topic, names[subtopic.entity_id])
        for topic in primary.topics
        for subtopic in topic.subtopics
    }
    seen: dict[str, str] = {}
    for query in primary.queries:
        if query["text"] != wanted.get(query["_id"]):
            yield "", f"{query['_id']}: its text is not that of its topic and entity"
        if (other := seen.setdefault(query["text"], query["_id"])) != query["_id"]:
            yield "", f"{query['_id']} and {other} have the same text"


def _tables(primary: Primary) -> Found:
    made = {
        "topics.parquet": hub.topics_frame(primary.topics, _names(primary)),
        "queries.parquet": hub.queries_frame(primary.queries),
    }
    for name, frame in made.items():
        if _rows(frame, DESCRIBED[name]) != _rows(primary.tables[name], DESCRIBED[name]):
            yield name, f"holds other rows than {'topics.jsonl' if name.startswith('topics') else 'queries.jsonl'}"


def _runs(primary: Primary) -> Found:
    for track, system in hub.other_runs(primary.folder / RUNS, primary.runs):
        yield "", f"holds another run of {system} on {track} than runs/{track}/{system}.trec"


def _beir(primary: Primary) -> Found:
    corpus, queries, qrels = (f"{beir.FOLDER}/{name}" for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"))
    if [line for _, line in read_jsonl(primary.folder / queries)] != list(primary.queries):
        yield queries, "holds other queries than queries.jsonl"
    images = primary.tables["images.parquet"]
    gallery = sorted(images.loc[images["split"] == "gallery", "image_id"])
    if sorted(line["_id"] for _, line in read_jsonl(primary.folder / corpus)) != gallery:
        yield corpus, "holds other images than the gallery in images.parquet"
    with open_input(primary.folder / qrels) as stream:
        _, *rows = csv.reader(stream.read().decode().splitlines(), delimiter="\t")
    columns = primary.tables["qrels/qrels.parquet"][["subtopic_id", "image_id", "grade"]]
    if rows != [[*map(str, row)] for row in columns.itertuples(index=False, name=None)]:
        yield qrels, "holds other grades than qrels/qrels.parquet"


def _thumbnails(primary: Primary) -> Found:
    images, path = primary.tables["images.parquet"], primary.folder / "thumbnails.parquet"
    given = sorted(images.loc[images["archive"].notna(), "image_id"])
    found = pq.read_table(path, columns=["image_id"]).column(0).to_pylist() if given or path.exists() else []
    if found != given:
        yield "", "holds other images than those whose bytes are given"


def _sources(primary: Primary) -> Found:
    params = read_params(primary.folder / "params.yaml")
    made = manifest.described(params.ingest.sources, params.release.sources, primary.tables["images.parquet"])
    if read_json(primary.folder / manifest.FILE) != manifest.document(made):
        yield "", "says something else of the sources than params.yaml and images.parquet"


def _kinds(primary: Primary) -> Found:
    yield from wrong_kinds(primary.folder, primary.topics, primary.tables["qrels/qrels.parquet"])


def _croissant(primary: Primary) -> Found:
    """Its files with their sha256, its columns, and what it is called. Its prose is not read."""
    told = read_json(primary.folder / croissant.FILE)
    listed = {file["@id"]: (file["contentUrl"], file["sha256"]) for file in told["distribution"]}
    for name in sorted(set(listed) | set(primary.sums) - {croissant.FILE}) if primary.sums else ():
        if listed.get(name) != (name, primary.sums.get(name)):
            yield "", f"{name}: is not described as SHA256SUMS has it"
    records = {one["name"]: [field["name"] for field in one["field"]] for one in told["recordSet"]}
    wanted = {name: [column.name for column in DESCRIBED[file].columns] for name, file in hub.CONFIGS.items()}
    if records != wanted:
        yield "", "describes other tables or columns than there are"
    said = {"licence": told["license"], **{key: told[key] for key in ("name", "version", "description")}}
    yield from _stated("", said, primary)


def _citing(primary: Primary) -> Found:
    cited = yaml.safe_load(read_text(primary.folder / citing.CITATION))
    yield from _stated("", {"version": cited["version"], "licence": cited["license"]}, primary)
    deposited = read_json(primary.folder / citing.ZENODO)
    yield from _stated(citing.ZENODO, {"version": deposited["version"]}, primary)


def _stated(file: str, said: Mapping[str, Any], primary: Primary) -> Found:
    for key, value in said.items():
        if value != primary.about.get(key):
            yield file, f"{key} is {value!r}; release.json says {primary.about.get(key)!r}"


def _names(primary: Primary) -> dict[str, str]:
    entities = primary.tables["entities.parquet"]
    return dict(zip(entities["entity_id"], entities["name"], strict=True))


def _rows(frame: pd.DataFrame, table: Table) -> list[tuple[Any, ...]]:
    return list(frame[[column.name for column in table.columns]].itertuples(index=False, name=None))
