"""TREC: qrels (`topic iteration document label`), with topics beside them or without.

A folder with one file whose name holds `qrels` and at most one whose name holds `topics` or `queries`; or a file of
qrels alone. Topics come as `id<TAB>text` lines or as `<top>` blocks with `<num>` and `<title>`. The iteration, which
is the subtopic's number in TREC's diversity qrels, becomes the pool's name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.formats.collection import PublishedBenchmark
from fieldguide.formats.deviations import Deviation
from fieldguide.formats.labels import refuse_unjudged
from fieldguide.formats.text import text
from fieldguide.formats.text.gathering import Gathering

NAME = "trec"
TOPICS, QRELS = "topics.tsv", "qrels.txt"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # str.splitlines would split at separators inside a text too
_BLOCK = re.compile(r"<top>.*?</top>[^<]*", re.DOTALL)
_NUMBER = re.compile(r"<num>\s*(?:Number:)?\s*(\S+)")
_TITLE = re.compile(r"<title>\s*(?:Topic:)?\s*([^<]*)")


def read(path: Path) -> PublishedBenchmark:
    """Read the folder, or the qrels alone.

    Raises:
        FieldguideError: the folder holds no file of qrels or several, no text.
        ProblemsError: every line with another number of columns, and topics without an id or text or that occur twice.
    """
    qrels, topics = _files(path) if path.is_dir() else (path, None)
    found = Gathering()
    if topics is not None:
        _topics(topics, found)
    _labels(qrels, found)
    if found.problems:
        raise ProblemsError(f"{path} cannot be read:", found.problems)
    name = path.name if path.is_dir() else path.name.split(".")[0]
    files = tuple(file.name for file in (topics, qrels) if file is not None)
    return PublishedBenchmark(name or NAME, NAME, found.questions(), tuple(found.deviations), files=files)


def recognise(path: Path) -> bool:
    """Whether the folder holds qrels, or the first line of the file is one of them."""
    if path.is_dir():
        return any("qrels" in file.name and file.is_file() for file in path.iterdir())
    first = text.first_line(path).split()
    return len(first) == 4 and re.fullmatch(r"-?[0-9]+", first[3]) is not None


def write(collection: PublishedBenchmark) -> dict[str, str]:
    """The files by name. Another format's subtopics become topics of iteration 0.

    Raises:
        FieldguideError: an image's name holds white space, or a pool has images without a label.
    """
    refuse_unjudged(collection)
    own = collection.format == NAME
    lines, topics = [], []
    for question in collection.questions:
        # A file of topics is its topics' own texts, line ends and all, one after the other.
        topics += [question.fields["topic"]] if "topic" in question.fields and own else []
        for pool in question.pools:
            topic_id, iteration = (question.topic_id, pool.name) if own else (pool.subtopic_id, "0")
            _refuse_white_space(collection.name, pool.subtopic_id, pool.labels)
            lines += [f"{topic_id} {iteration} {image} {label}\n" for image, label in pool.labels.items()]
            topics += [] if own else [f"{pool.subtopic_id}\t{' '.join(question.text.split())}\n"]
    texts = {TOPICS: "".join(topics), QRELS: "".join(lines)}
    return texts if topics else {QRELS: texts[QRELS]}


def _files(path: Path) -> tuple[Path, Path | None]:
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    qrels = [file for file in files if "qrels" in file.name]
    topics = [file for file in files if file not in qrels and re.search("topics|queries", file.name)]
    if len(qrels) != 1 or len(topics) > 1:
        found = ", ".join(file.name for file in [*qrels, *topics]) or "neither"
        wanted = "one file with `qrels` in its name and at most one with `topics` or `queries`"
        raise FieldguideError(f"{path}: expected {wanted}; found {found}")
    return qrels[0], topics[0] if topics else None


def _topics(path: Path, found: Gathering) -> None:
    """Topics into `found`, each with its own text, unchanged, as field `topic`."""
    content, about = text.without_mark(text.whole(path), path)
    found.deviations += about
    if "<top>" not in content:
        for number, line in enumerate(_LINE.findall(content), 1):
            topic_id, tab, title = line.rstrip("\r\n").partition("\t")
            if tab:
                found.topic(topic_id, title, f"{path}:{number}", {"topic": line})
            elif line.strip():
                found.problems.append(Problem(f"{path}:{number}", "expected `id<TAB>text`, or <top> blocks"))
        return
    for block in _BLOCK.finditer(content):
        where = f"{path}:{content.count(chr(10), 0, block.start()) + 1}"
        number_, title_ = _NUMBER.search(block[0]), _TITLE.search(block[0])
        if number_ is None or title_ is None:
            found.problems.append(Problem(where, "this <top> has no <num> or no <title>"))
        else:
            found.topic(number_[1], " ".join(title_[1].split()), where, {"topic": block[0]})


def _labels(path: Path, found: Gathering) -> None:
    """Labels into `found`."""
    for number, line in text.lines(path):
        where = f"{path}:{number}"
        content = line
        if number == 1:
            content, about = text.without_mark(line, path)
            found.deviations += about
            if line.endswith("\r\n"):
                found.deviations.append(Deviation(str(path), "windows-line-ends", "lines end in CR LF"))
        fields = re.split(r"[ \t]+", content.strip(" \t\r\n"))
        if fields == [""]:
            continue
        if len(fields) != 4:
            what = f"has {len(fields)} columns; expected 4: topic iteration document label"
            found.problems.append(Problem(where, what))
            continue
        topic_id, iteration, image, label = fields
        found.known(topic_id, where)
        found.label(topic_id, iteration, image, label, where)


def _refuse_white_space(name: str, subtopic: str, images: Any) -> None:
    wrong = next((image for image in images if image.split() != [image]), None)
    if wrong is not None:
        what = f"image {wrong!r} of {subtopic} holds white space, which TREC's files cannot"
        raise FieldguideError(f"{name}: {what}; export it as csv or beir")
