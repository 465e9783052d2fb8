"""Tables and the card's head for `datasets.load_dataset(folder, CONFIG)`.

It takes one kind of file for all configurations, so that all are Parquet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

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


def runs_frame(runs: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """All runs, by track and system, as records.release.RELEASE_RUNS, in the order of the names and of the ranks."""
    named = [
        runs[key].assign(track=key[0], system=key[1])[[column.name for column in RELEASE_RUNS.columns]]
        for key in sorted(runs)
    ]
    return pd.concat(named, ignore_index=True) if named else RELEASE_RUNS.frame([])
