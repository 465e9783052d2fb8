"""BEIR's folder: corpus.jsonl, queries.jsonl, qrels/test.tsv. It holds texts, so an image is there with its caption."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

FOLDER = "beir"


def texts(
    queries: Iterable[Mapping[str, Any]], images: pd.DataFrame, qrels: pd.DataFrame, captions: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """(file name, text) of each file.

    Args:
        queries: lines of queries.jsonl.
        images: RELEASE_IMAGES; the gallery is the corpus.
        qrels: records.QRELS.
        captions: of images, by image_id; an image without one has an empty text.
    """
    gallery = images[images["split"] == "gallery"]
    documents = (
        {"_id": image, "title": "", "text": captions.get(image, ""), "metadata": {"source": source, "sha256": sha256}}
        for image, source, sha256 in gallery[["image_id", "source", "sha256"]].itertuples(index=False, name=None)
    )
    yield f"{FOLDER}/corpus.jsonl", _lines(documents)
    yield f"{FOLDER}/queries.jsonl", _lines(queries)
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(("query-id", "corpus-id", "score"))
    writer.writerows(qrels[["subtopic_id", "image_id", "grade"]].itertuples(index=False, name=None))
    yield f"{FOLDER}/qrels/test.tsv", stream.getvalue()


def _lines(records: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records)
