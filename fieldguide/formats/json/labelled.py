"""Benchmarks of labelled JSON records: any form of `layouts.LAYOUTS`, read and written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fieldguide.formats import labels
from fieldguide.formats.collection import PublishedBenchmark, PublishedPool, PublishedQuestion
from fieldguide.formats.json.files import read_records
from fieldguide.formats.json.layouts import JsonLayout
from fieldguide.formats.json.records import Record


def read(layout: JsonLayout, path: Path) -> PublishedBenchmark:
    """Read a published file.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: what is no JSON, and every record that is no object.
    """
    records, about = read_records(path, layout)
    questions = []
    for number, record in enumerate(records, 1):
        topic_id = f"t{number:04d}"
        questions.append(record.question(topic_id, _pools(record, topic_id)))
    # Records notice while they are made questions, so this comes after.
    noticed = [deviation for record in records for deviation in record.noticed]
    return PublishedBenchmark(
        path.name.split(".")[0], layout.name, tuple(questions), (*about, *noticed), layout.roots, files=(path.name,)
    )


def recognise(layout: JsonLayout, found: object) -> bool:
    """Whether the first record of a file of lines, or the list that a file holds, is of this form."""
    if layout.lines == isinstance(found, list):
        return False
    record = found[0] if isinstance(found, list) and found else found
    images = record.get(layout.images) if isinstance(record, dict) and layout.text in record else None
    if not isinstance(images, dict):
        return False
    nested = [isinstance(value, dict) for value in images.values()]
    return bool(nested) and all(nested) if layout.by_entity else not any(nested)


def write(layout: JsonLayout, collection: PublishedBenchmark) -> dict[str, str]:
    """The published file by its name, in the style of Python's json, which the published files have.

    Raises:
        FieldguideError: a question has several pools, and the form has one a question.
    """
    records = [_record(layout, collection, question) for question in collection.questions]
    if layout.lines:
        lines = (json.dumps(record, allow_nan=False) + "\n" for record in records)
        return {f"{collection.name}.jsonl": "".join(lines)}
    return {f"{collection.name}.json": json.dumps(records, indent=4, allow_nan=False)}


def _pools(record: Record, topic_id: str) -> list[PublishedPool]:
    layout, images = record.layout, record.images()
    by_pool: Mapping[str, Any] = images if layout.by_entity else {layout.images: images}
    names = record.names(len(by_pool)) if by_pool else []
    pools = []
    for number, ((name, found), entity) in enumerate(zip(by_pool.items(), names, strict=True), 1):
        if not isinstance(found, dict):
            record.notice("no-labels", "is no object of labels by image", f"{layout.images} {name}")
        pools.append(record.pool(f"{topic_id}.e{number}", name, entity, found if isinstance(found, dict) else {}))
    for name, _ in getattr(by_pool, "dropped", ()):
        record.notice("repeated-key", f"{name!r} occurs twice; the last is taken", layout.images)
    return pools


def _record(layout: JsonLayout, collection: PublishedBenchmark, question: PublishedQuestion) -> dict[str, Any]:
    """A record as it was published; that of another format with this form's keys."""
    pools = {pool.name: dict(pool.labels) for pool in question.pools}
    images: Any = pools if layout.by_entity else labels.only_pool(collection, question)
    own: dict[str, Any] = {layout.text: question.text, layout.images: images}
    if layout.answers is not None:
        own[layout.answers] = list(question.answers)
    own |= question.fields
    return {key: own[key] for key in (question.keys if collection.format == layout.name else own)}
