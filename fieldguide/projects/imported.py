"""A project of a published benchmark: what it says, an audit of it, and every run that is put into data/external."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import atomic_open
from fieldguide.evaluation.section import PRESETS
from fieldguide.formats.collection import PublishedBenchmark
from fieldguide.formats.identity import image_id
from fieldguide.formats.reading import read
from fieldguide.formats.tables import refuse_losses
from fieldguide.projects.photographs import take
from fieldguide.projects.project import begin_repository, templates
from fieldguide.records.runs import RunLine, write_run

FILE_ORDER = "file-order"
_FIRST = 10
"""Images of the gallery; published captions are tens of thousands, each with a list of its own."""


def make_imported(root: Path, name: str, published: Path) -> PublishedBenchmark:
    """Write a project around a published file or folder, which is copied into it; returns what it holds.

    Its first run is the order of the file: what a system must beat that looks at nothing.

    Raises:
        FieldguideError: it is of no known format, its name does not do, or git or DVC fails.
        ProblemsError: all that keeps it from being read.
    """
    file = published.resolve().name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file):  # it becomes a word of DVC's commands, which a shell runs
        raise FieldguideError(f"{file!r}: allowed in its name are A-Z, a-z, 0-9, `.`, `-` and `_`; rename it")
    collection = read(None, published)
    refuse_losses(collection, accepted=False)
    place = Path("data/published") / file
    (root / place).parent.mkdir(parents=True)
    if published.is_dir():
        take(published, root / place)
    else:
        shutil.copyfile(published, root / place)
    by_name = not any(set(image) & set(" \t\n\r\v\f") for image in collection.images)
    write_run(root / "data/external" / f"{FILE_ORDER}.trec", _in_order(collection, by_name))
    qrels = place.as_posix() if by_name else "data/collection"
    preset = f" --preset {collection.format}" if collection.format in PRESETS else ""
    evaluate = f"fieldguide evaluate data/external --qrels {qrels} --baseline {FILE_ORDER}{preset}"
    with atomic_open(root / "dvc.yaml") as stream:
        yaml.safe_dump({"stages": _stages(place.as_posix(), qrels, evaluate)}, stream, sort_keys=False, width=110)
    with atomic_open(root / "README.md") as stream:
        about = {"name": name, "published": place.as_posix(), "evaluate": evaluate, "by_name": by_name}
        stream.write(templates().get_template("imported.md.j2").render(about))
    begin_repository(root)
    return collection


def _in_order(collection: PublishedBenchmark, by_name: bool) -> Iterator[RunLine]:
    # Of a file that lists relevant images alone every order is right: then it is the order of the whole gallery.
    judged = any(label is None or label <= 0 for pool in collection.pools for label in pool.labels.values())
    for pool in collection.pools:
        for place, name in enumerate(pool.labels if judged else collection.images[:_FIRST], start=1):
            image = name if by_name else image_id(name)
            yield RunLine(pool.subtopic_id, image, place, float(1 - place), FILE_ORDER)


def _stages(published: str, qrels: str, evaluate: str) -> dict[str, object]:
    evaluation = "data/evaluation"
    return {
        "import": {
            "cmd": f"fieldguide import auto {published} --to data/collection",
            "deps": [published],
            "outs": ["data/collection"],
        },
        "audit": {
            "cmd": f"fieldguide audit {published} --fail-on never --html data/audit/audit.html",
            "deps": [published],
            "outs": ["data/audit"],
        },
        "evaluate": {
            "cmd": f"{evaluate} --csv {evaluation}/values.csv --figures {evaluation}/figures",
            "deps": ["data/external", *([qrels] if qrels == published else ["data/collection"])],
            "outs": [evaluation],
        },
    }
