"""CUB-200-2011 and what is laid out like it: a class is a topic, its images of the test split are relevant.

A folder with `images.txt` (number, path), `image_class_labels.txt` (number, class), `classes.txt` (class, name) and, if
there is a split, `train_test_split.txt` (number, 1 for train). Wah et al., Caltech technical report CNS-TR-2011-001.
It is read and not written.
"""

from __future__ import annotations

from pathlib import Path

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.formats.collection import PublishedBenchmark
from fieldguide.formats.text import text
from fieldguide.formats.text.gathering import Gathering

NAME = "cub"
IMAGES, LABELS, CLASSES, SPLIT = "images.txt", "image_class_labels.txt", "classes.txt", "train_test_split.txt"
POOL = "class"


def recognise(path: Path) -> bool:
    """Whether the folder holds the files."""
    return path.is_dir() and all((path / name).is_file() for name in (IMAGES, LABELS, CLASSES))


def read(path: Path) -> PublishedBenchmark:
    """Read the folder.

    Raises:
        FieldguideError: a file is missing, no text.
        ProblemsError: lines that are not two cells, and numbers that another file lacks; all of them.
    """
    if not recognise(path):
        raise FieldguideError(f"{path}: needs {IMAGES}, {LABELS} and {CLASSES}")
    found, files = Gathering(), [name for name in (IMAGES, LABELS, CLASSES, SPLIT) if (path / name).is_file()]
    cells = {name: _cells(path / name, found) for name in files}
    for number, (name, where) in cells[CLASSES].items():
        words = name.partition(".")[2].replace("_", " ") or name
        found.topic(f"c{number}", words, where, {})
        found.pool(f"c{number}", POOL, where, words)
    split = cells.get(SPLIT, {})
    shown = {}
    for number, (image, where) in cells[IMAGES].items():
        label = cells[LABELS].get(number)
        if label is None or label[0] not in cells[CLASSES]:
            found.problems.append(Problem(where, f"image {number} has no class of {CLASSES} in {LABELS}"))
        elif split.get(number, ("0", ""))[0] != "1":
            shown[image] = f"c{label[0]}"
            found.label(f"c{label[0]}", POOL, image, 1, where)
    if found.problems:
        raise ProblemsError(f"{path} cannot be read:", found.problems)
    questions = found.questions()
    names = {question.topic_id: question.text for question in questions}
    return PublishedBenchmark(
        path.resolve().name, NAME, questions, tuple(found.deviations), {"": "the folder `images` beside these files"},
        corpus={image: {} for image in shown}, entities={image: names[topic] for image, topic in shown.items()},
        files=tuple(files),
    )  # fmt: skip


def _cells(path: Path, found: Gathering) -> dict[str, tuple[str, str]]:
    """The second cell by the first, with its place."""
    cells: dict[str, tuple[str, str]] = {}
    for number, line in text.lines(path):
        parts, where = line.lstrip("\ufeff").split(), f"{path}:{number}"
        if len(parts) == 2:
            cells[parts[0]] = (parts[1], where)
        elif parts:
            found.problems.append(Problem(where, f"has {len(parts)} cells; expected 2"))
    return cells
