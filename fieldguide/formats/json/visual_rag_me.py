"""Visual-RAG-ME: one JSON object a line, a question about two entities, labels by entity and image.

As published with VisRet (arXiv 2505.20291), file `visual-rag-me_final_v1.jsonl`: `images` holds `entity_1` and
`entity_2`, each an object of 0 or 1 by image; `question`; `answer`, a list; `sn`, the scientific names in the order of
the entities; and fields that not every record has. Images are named by folder and file of iNaturalist 2021, train.
"""

from __future__ import annotations

from pathlib import Path

from fieldguide.formats.collection import Collection, Pool
from fieldguide.formats.json import labelled
from fieldguide.formats.json import layout as json_layout
from fieldguide.formats.json.labelled import Keys, Record
from fieldguide.formats.json.records import read_lines

NAME = "visual-rag-me"
KEYS = Keys(text="question", images="images", answers="answer", names="sn")
ROOTS = {"": "iNaturalist 2021, train (its folder `train`)"}


def read(path: Path) -> Collection:
    """Read the published file.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: every line that is no JSON object.
    """
    lines = read_lines(path, KEYS)
    questions = tuple(
        record.question(f"t{number:04d}", _pools(record, f"t{number:04d}"))
        for number, record in enumerate(lines.records, 1)
    )
    return Collection(path.name.split(".")[0], NAME, questions, lines.oddities(), ROOTS, lines.layout)


def recognise(record: object) -> bool:
    """Whether a file's first record is one of this format: images by entity."""
    images = record.get(KEYS.images) if isinstance(record, dict) and KEYS.text in record else None
    return isinstance(images, dict) and bool(images) and all(isinstance(pool, dict) for pool in images.values())


def write(collection: Collection) -> dict[str, str]:
    """The published file by its name."""
    records = [
        labelled.published(
            question, KEYS, {pool.name: dict(pool.labels) for pool in question.pools}, collection.format == NAME
        )
        for question in collection.questions
    ]
    return {f"{collection.name}.jsonl": json_layout.dump_lines(records, collection.layout)}


def _pools(record: Record, topic_id: str) -> list[Pool]:
    images = record.images()
    pools = []
    names = record.names(len(images)) if images else []
    for number, ((name, found), entity) in enumerate(zip(images.items(), names, strict=True), 1):
        if not isinstance(found, dict):
            record.notice("no-labels", "is no object of labels by image", f"{KEYS.images} {name}")
        labels = found if isinstance(found, dict) else {}
        pools.append(record.pool(f"{topic_id}.e{number}", name, entity, labels))
    for name, _ in getattr(images, "dropped", ()):
        record.notice("repeated-key", f"{name!r} occurs twice; the last is taken", KEYS.images)
    return pools
