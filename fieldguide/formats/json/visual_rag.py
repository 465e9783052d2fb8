"""Visual-RAG: one JSON object a line, a question about one entity, labels by image.

As its repository documents it (arXiv 2502.16636, `v2_anno.jsonl`; VisRet gives the same form with mended paths):
`images`, an object of 0 or 1 by image; `answer`, a list; `question`; `sn`, the scientific name. Images are named by
folder and file of iNaturalist 2021, train.
"""

from __future__ import annotations

from pathlib import Path

from fieldguide.formats.collection import Collection
from fieldguide.formats.json import labelled
from fieldguide.formats.json import layout as json_layout
from fieldguide.formats.json.labelled import Keys
from fieldguide.formats.json.records import read_lines

NAME = "visual-rag"
KEYS = Keys(text="question", images="images", answers="answer", names="sn")
ROOTS = {"": "iNaturalist 2021, train (its folder `train`)"}


def read(path: Path) -> Collection:
    """Read the published file.

    Raises:
        FieldguideError: no such file, no text.
        ProblemsError: every line that is no JSON object.
    """
    lines = read_lines(path, KEYS)
    questions = []
    for number, record in enumerate(lines.records, 1):
        pool = record.pool(f"t{number:04d}.e1", KEYS.images, record.names(1)[0], record.images())
        questions.append(record.question(f"t{number:04d}", [pool]))
    return Collection(path.name.split(".")[0], NAME, tuple(questions), lines.oddities(), ROOTS, lines.layout)


def recognise(record: object) -> bool:
    """Whether a file's first record is one of this format: labels by image, with no entity between."""
    images = record.get(KEYS.images) if isinstance(record, dict) and KEYS.text in record else None
    return isinstance(images, dict) and not any(isinstance(label, dict) for label in images.values())


def write(collection: Collection) -> dict[str, str]:
    """The published file by its name."""
    records = [
        labelled.published(question, KEYS, labelled.only_labels(collection, question), collection.format == NAME)
        for question in collection.questions
    ]
    return {f"{collection.name}.jsonl": json_layout.dump_lines(records, collection.layout)}
