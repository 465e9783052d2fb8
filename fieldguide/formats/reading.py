"""Every format by its name; a file's format told from its content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.formats import mrag, tables
from fieldguide.formats.collection import PublishedBenchmark
from fieldguide.formats.json import captions, labelled
from fieldguide.formats.json.files import first_record
from fieldguide.formats.json.layouts import LAYOUTS, JsonLayout
from fieldguide.formats.text import beir, csv_table, cub, inquire, trec


@dataclass(frozen=True)
class Format:
    """A published form.

    Attributes:
        name: on the command line.
        meaning: what lies where, in a line.
        read: a file or folder to a collection.
        write: a collection to texts by file name, below the folder to write to; None: it is read only.
        of_record: whether the first record of a JSON file (the whole list where it is one) is of this format.
        of_path: whether a file or folder that is no such JSON is of this format.
    """

    name: str
    meaning: str
    read: Callable[[Path], PublishedBenchmark]
    write: Callable[[PublishedBenchmark], dict[str, str]] | None
    of_record: Callable[[Any], bool] = lambda _: False
    of_path: Callable[[Path], bool] = lambda _: False


def _of_layout(layout: JsonLayout) -> Format:
    return Format(
        layout.name,
        layout.meaning,
        partial(labelled.read, layout),
        partial(labelled.write, layout),
        of_record=partial(labelled.recognise, layout),
    )


_SHOWN, _LONGEST_KEY = 8, 40
_FORMATS = (
    *map(_of_layout, LAYOUTS),
    Format("inquire", "a folder: inquire_queries_*.csv, inquire_annotations.csv", inquire.read, inquire.write,
           of_path=inquire.recognise),
    Format("beir", "a folder: corpus.jsonl, queries.jsonl, qrels/*.tsv", beir.read, beir.write, of_path=beir.recognise),
    Format(captions.KARPATHY, "a JSON object: images with sentences, captions of the split test",
           partial(captions.read, captions.KARPATHY), None, of_path=captions.is_karpathy),
    Format(captions.CIRR, "a JSON list: pairid, reference, target_hard, caption",
           partial(captions.read, captions.CIRR), None, of_record=captions.is_cirr),
    Format(captions.FASHION_IQ, "a JSON list: candidate, target, captions",
           partial(captions.read, captions.FASHION_IQ), None, of_record=captions.is_fashion_iq),
    Format("cub", "a folder: images.txt, image_class_labels.txt, classes.txt", cub.read, None, of_path=cub.recognise),
    Format("mrag-bench", "Parquet: id, question, answer, gt_images", mrag.read, None, of_path=mrag.recognise),
    Format("csv", "a table: topic_id, question, image, label", csv_table.read, csv_table.write,
           of_path=csv_table.recognise),
    Format("trec", "qrels, with topics beside them or without", trec.read, trec.write, of_path=trec.recognise),
)  # fmt: skip

FORMATS: dict[str, Format] = {form.name: form for form in _FORMATS}


def read(form: str | None, path: Path) -> PublishedBenchmark:
    """Read a published benchmark.

    Args:
        form: a name of FORMATS; None: told from the content.
        path: the file or folder; with None also a folder that `fieldguide import` made.

    Raises:
        FieldguideError: no such file, no such format, none that fits, or content that is clearly of another one.
        ProblemsError: what keeps the file from being read, all of it.
    """
    if form is None and (path / tables.ABOUT).is_file():
        return tables.read(path)
    if form is None:
        return named(recognise(path)).read(path)
    chosen = named(form)
    fits = fitting(path)
    if fits and chosen not in fits:
        raise FieldguideError(f"{path}: is no {form}; its content is {fits[0].name}: {fits[0].meaning}")
    return chosen.read(path)


def named(form: str) -> Format:
    """The format of that name.

    Raises:
        FieldguideError: there is none.
    """
    if form not in FORMATS:
        raise FieldguideError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    return FORMATS[form]


def recognise(path: Path) -> str:
    """The name of the format that the content has.

    Raises:
        FieldguideError: no such file, or it fits no format.
    """
    fits, record = _look(path)
    if not fits:
        looked_for = "".join(f"\n  {form.name}: {form.meaning}" for form in _FORMATS)
        raise FieldguideError(f"{path}: of no format that is known; looked for was{looked_for}{_found(path, record)}")
    return fits[0].name


def _found(path: Path, found: Any) -> str:
    """What a file or folder holds instead, for people; `found` is its first record."""
    if path.is_dir():
        names = sorted(file.name for file in path.iterdir())
        return f"\nthe folder holds {', '.join(names[:_SHOWN]) or 'nothing'}{', ...' if len(names) > _SHOWN else ''}"
    record = found[0] if isinstance(found, list) and found else found
    keys = [ascii(key)[:_LONGEST_KEY] for key in record] if isinstance(record, dict) else []
    return f"\nits first record has {', '.join(keys[:_SHOWN])}" if keys else ""


def fitting(path: Path) -> list[Format]:
    """The formats that the content fits, the likeliest first."""
    return _look(path)[0]


def _look(path: Path) -> tuple[list[Format], Any]:
    """The formats that fit, and the first record of a JSON file, which may take long to parse."""
    if not path.exists():
        raise FieldguideError(f"{path}: no such file or folder")
    if path.is_file() and path.suffix == ".parquet":  # no text
        return [FORMATS[mrag.NAME]] if mrag.recognise(path) else [], None
    if captions.is_karpathy(path):  # whose first record is all of it
        return [FORMATS[captions.KARPATHY]], None
    record = None if path.is_dir() else first_record(path)
    fits = [form for form in _FORMATS if (record is not None and form.of_record(record)) or form.of_path(path)]
    return fits, record
