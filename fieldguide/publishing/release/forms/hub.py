"""Tables and the card's head for `datasets.load_dataset(folder, CONFIG)`.

It takes one kind of file for all configurations, so that all are Parquet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_path
from fieldguide.publishing.report.thumbnails import thumbnail
from fieldguide.records.release import RELEASE_QUERIES, RELEASE_RUNS, RELEASE_TOPICS, THUMBNAILS
from fieldguide.records.topics import Topic

CONFIGS = {
    "topics": "topics.parquet",
    "queries": "queries.parquet",
    "corpus": "images.parquet",
    "qrels": "qrels/qrels.parquet",
    "pools": "pools.parquet",
    "runs": "runs.parquet",
    "answers": "answers.parquet",
}
"""Which file each configuration of the data set loads."""
_THUMBNAIL = 256
Runs = Mapping[tuple[str, str], pd.DataFrame]
"""Run files as `read_run` reads them, by track and system."""


def head(photographs: bool) -> dict[str, Any]:
    """`configs` and `dataset_info` of a data set card.

    Everything is the split `test`: nothing here is for learning. Thumbnails are there where photographs are given.
    """
    files = CONFIGS | ({"thumbnails": "thumbnails.parquet"} if photographs else {})
    configs = [{"config_name": n, "data_files": [{"split": "test", "path": path}]} for n, path in files.items()]
    features = [{"name": "image_id", "dtype": "string"}, {"name": "image", "dtype": "image"}]
    described = {"dataset_info": [{"config_name": "thumbnails", "features": features}]} if photographs else {}
    return {"configs": configs, **described}


def thumbnails_frame(photographs: Iterable[tuple[str, bytes]]) -> pd.DataFrame:
    """(image_id, bytes of the photograph) of each, as records.release.THUMBNAILS, of at most 256 x 256 pixels."""
    rows = [
        {"image_id": image_id, "image": {"bytes": thumbnail(data, _THUMBNAIL), "path": f"{image_id}.webp"}}
        for image_id, data in photographs
    ]
    return THUMBNAILS.frame(rows)


def queries_frame(lines: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Lines of queries.jsonl as records.release.RELEASE_QUERIES."""
    return RELEASE_QUERIES.frame([{"subtopic_id": q["_id"], "text": q["text"], **q["metadata"]} for q in lines])


def topics_frame(topics: Sequence[Topic], names: Mapping[str, str]) -> pd.DataFrame:
    """Topics as records.release.RELEASE_TOPICS, sorted.

    Args:
        names: what each entity is called, by entity_id.
    """
    ordered = sorted(topics, key=lambda topic: topic.topic_id)
    rows = [
        {
            "topic_id": topic.topic_id, "kind": topic.kind, "form": topic.form, "text": topic.text,
            "entities": list(topic.entities), "names": [names[entity] for entity in topic.entities],
            "values": [topic.values.get(entity) for entity in topic.entities],
            "subtopics": [subtopic.subtopic_id for subtopic in topic.subtopics],
            "feature": topic.feature, "part": topic.part, "answer": topic.answer,
        }
        for topic in ordered
    ]  # fmt: skip
    return RELEASE_TOPICS.frame(rows)


def write_runs(path: Path, runs: Runs) -> None:
    """Write runs as records.release.RELEASE_RUNS: a row group each, in the order of their tracks and systems."""
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, RELEASE_RUNS.schema, compression="zstd") as writer:
        for key in _not_empty(runs):
            writer.write_table(_run(key, runs[key]), row_group_size=len(runs[key]))


def other_runs(path: Path, runs: Runs) -> list[tuple[str, str]]:
    """Track and system of the runs that the file holds otherwise. One is in memory at a time.

    Raises:
        FieldguideError: it cannot be read, or holds more or fewer runs.
    """
    keys = _not_empty(runs)
    try:
        with pq.ParquetFile(path) as file:
            if file.num_row_groups != len(keys):
                raise FieldguideError(f"{path}: holds {file.num_row_groups} runs; runs/ has {len(keys)}")
            return [key for n, key in enumerate(keys) if not file.read_row_group(n).equals(_run(key, runs[key]))]
    except (pa.ArrowException, OSError) as error:
        raise FieldguideError(f"{path}: not a Parquet file, or damaged ({str(error).partition(chr(10))[0]})") from None


def _not_empty(runs: Runs) -> list[tuple[str, str]]:
    return [key for key in sorted(runs) if len(runs[key])]


def _run(key: tuple[str, str], run: pd.DataFrame) -> pa.Table:
    named = run.assign(track=key[0], system=key[1])[[column.name for column in RELEASE_RUNS.columns]]
    texts = {name: named[name].astype(object) for name in ("track", "system", "subtopic_id", "image_id")}
    return pa.Table.from_pandas(named.assign(**texts), schema=RELEASE_RUNS.schema, preserve_index=False)
