"""MRAG-Bench, as Parquet (arXiv 2410.08182): questions about an image, and the images that help to answer them.

Each row has `id`, `question`, `answer`, the image that is asked about and `gt_images`, which are relevant. Images are
named by their path where the file has one, else by the beginning of their sha256. It is read and not written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fieldguide.core.errors import FieldguideError, ProblemsError
from fieldguide.core.files import sha256_bytes
from fieldguide.formats.collection import PublishedBenchmark
from fieldguide.formats.text.gathering import Gathering

NAME = "mrag-bench"
POOL = "gt_images"
_NEEDED = ("id", "question", "answer", POOL)
_FIELDS = ("aspect", "scenario", "A", "B", "C", "D", "answer_choice", "image_type", "source")
_BATCH = 8  # rows, each with a dozen images in it


def recognise(path: Path) -> bool:
    """Whether a Parquet file, or the first of a folder, has the columns."""
    files = _files(path)
    try:
        return bool(files) and set(_NEEDED) <= set(pq.read_schema(files[0]).names)
    except (pa.ArrowException, OSError):
        return False


def read(path: Path) -> PublishedBenchmark:
    """Read a file, or all of a folder, a few rows at a time.

    Raises:
        FieldguideError: not Parquet, or damaged.
        ProblemsError: ids that are none or occur twice; all of them.
    """
    found, files = Gathering(), _files(path)
    for file in files:
        try:
            with pq.ParquetFile(file) as parquet:
                wanted = [name for name in (*_NEEDED, "image", *_FIELDS) if name in parquet.schema_arrow.names]
                rows = (row for batch in parquet.iter_batches(_BATCH, columns=wanted) for row in batch.to_pylist())
                for number, row in enumerate(rows, 1):
                    _row(row, f"{file} row {number}", found)
        except (pa.ArrowException, OSError, AttributeError, TypeError) as error:
            raise FieldguideError(f"{file}: not a Parquet file of {NAME}, or damaged ({error})") from None
    if found.problems:
        raise ProblemsError(f"{path} cannot be read:", found.problems)
    names = tuple(file.name if file == path else str(file.relative_to(path)) for file in files)
    return PublishedBenchmark(NAME, NAME, found.questions(), tuple(found.deviations), files=names)


def _row(row: dict[str, Any], where: str, found: Gathering) -> None:
    topic, asked = str(row["id"]), row.get("image")
    fields = {name: row[name] for name in _FIELDS if name in row} | ({"image": _name(asked)} if asked else {})
    found.topic(topic, str(row["question"]), where, fields, (str(row["answer"]),))
    for image in row[POOL] or ():
        found.label(topic, POOL, _name(image), 1, where)


def _name(image: Any) -> str:
    return str(image.get("path") or sha256_bytes(image["bytes"])[:16])


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("*.parquet"))
    return [path] if path.suffix == ".parquet" else []
