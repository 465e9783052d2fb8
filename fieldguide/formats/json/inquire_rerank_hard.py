"""INQUIRE-Rerank-Hard: one JSON list, a query with labels by image each.

As published with VisRet (arXiv 2505.20291), file `inquire_rerank_hard_final.json`: 59 queries of INQUIRE-Rerank
(arXiv 2411.02537) with 100 images each. Images are named by folder and file of iNaturalist 2024.
"""

from __future__ import annotations

from pathlib import Path

from fieldguide.formats.collection import Collection
from fieldguide.formats.json import labelled
from fieldguide.formats.json import layout as json_layout
from fieldguide.formats.json.labelled import Keys
from fieldguide.formats.json.records import read_list

NAME = "inquire-rerank-hard"
KEYS = Keys(text="query", images="images")
ROOTS = {"": "iNaturalist 2024 as INQUIRE gives it (its folder `train`)"}


def read(path: Path) -> Collection:
    """Read the published file.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: no JSON list, or every item that is no object.
    """
    found = read_list(path, KEYS)
    questions = []
    for number, record in enumerate(found.records, 1):
        pool = record.pool(f"t{number:04d}.e1", KEYS.images, None, record.images())
        questions.append(record.question(f"t{number:04d}", [pool]))
    return Collection(path.name.split(".")[0], NAME, tuple(questions), found.oddities(), ROOTS, found.layout)


def recognise(records: object) -> bool:
    """Whether a file holds a list of records of this format."""
    return (
        isinstance(records, list)
        and bool(records)
        and isinstance(records[0], dict)
        and {KEYS.text, KEYS.images} <= set(records[0])
    )


def write(collection: Collection) -> dict[str, str]:
    """The published file by its name."""
    records = [
        labelled.published(question, KEYS, labelled.only_labels(collection, question), collection.format == NAME)
        for question in collection.questions
    ]
    layout = {"indent": 4, **collection.layout}
    return {f"{collection.name}.json": json_layout.dump(records, layout) + layout.get("end", "\n")}
