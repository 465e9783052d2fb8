"""Every way to tell what a release withholds is found where it is, and what tells nothing is not."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fieldguide.core.files import read_json, sha256_bytes, write_json, write_tar
from fieldguide.publishing.release.private.leaks import leaks
from fieldguide.publishing.release.private.sealed import SealedPart
from tests.publishing.release.private.withheld import SALT, Known, line


def rows(path: Path, **columns: Any) -> None:
    """Add a column to a Parquet table, in every row alike, whatever its schema says."""
    table = pq.read_table(path)
    for name, value in columns.items():
        table = table.append_column(name, pa.array([value] * len(table)))
    pq.write_table(table, path)


def described(path: Path, words: str) -> None:
    image = Image.new("RGB", (8, 8))
    exif = image.getexif()
    exif[0x010E] = words
    image.save(path, exif=exif)


def document(path: Path, value: Any) -> None:
    write_json(path, {"kept": read_json(path) if path.exists() else None, "planted": value})


def _tar(path: Path, members: list[tuple[str, bytes]]) -> None:
    write_tar(path, members)


Plant = Callable[[Path, Known], None]
PLANTED: dict[str, tuple[str, Plant]] = {
    "a grade": ("qrels/qrels.trec", lambda f, k: line(f, f"{k.subtopic} 0 {k.image} 1\n")),
    "a grade, gluing": ("ERRATA.md", lambda f, k: line(f, f"see {k.subtopic}_{k.image}.jpg\n")),
    "a grade over two lines": ("ERRATA.md", lambda f, k: line(f, f"For {k.subtopic} we\nhad image {k.image}.\n")),
    "a grade in a tab": ("beir/qrels/test.tsv", lambda f, k: line(f, f"{k.subtopic}\t{k.image}\t1\n")),
    "a gold question": ("annotation/gold.csv", lambda f, k: line(f, f"{k.subtopic},{k.image},1,why\n")),
    "a judgment": (
        "judgments/log.jsonl",
        lambda f, k: line(f, json.dumps({"task": {"of": k.subtopic}, "image_id": k.image}) + "\n"),
    ),
    "a run": ("runs/fullrank/text.trec", lambda f, k: line(f, f"{k.subtopic} Q0 {k.image} 1 0.5 text\n")),
    "a pool": ("pools.parquet", lambda f, k: rows(f, also=[f"{k.subtopic}", k.image])),
    "a struct": ("pools.parquet", lambda f, k: rows(f, also={"a": k.subtopic, "b": k.image})),
    "words beside a table": (
        "scores.parquet",
        lambda f, k: pq.write_table(pq.read_table(f).replace_schema_metadata({"note": f"{k.subtopic} {k.image}"}), f),
    ),
    "a key of an object": ("fitness.json", lambda f, k: document(f, {k.subtopic: {k.image: 1}})),
    "a list of lists": ("fitness.json", lambda f, k: document(f, [[k.subtopic, k.image]])),
    "an object around": ("fitness.json", lambda f, k: document(f, {"of": k.subtopic, "images": [{"id": k.image}]})),
    "a count": ("fitness.json", lambda f, k: document(f, [{"subtopic_id": k.subtopic, "relevant": 3}])),
    "a score": ("fitness.json", lambda f, k: document(f, {k.subtopic: {"nDCG@10": 0.25}})),
    "a score of a topic": ("answering.json", lambda f, k: document(f, [{"topic_id": k.topic, "measure": "AP"}])),
    "a label": ("images.parquet", lambda f, k: rows(f, also=k.name)),
    "a label in a caption": (
        "beir/corpus.jsonl",
        lambda f, k: line(f, json.dumps({"_id": k.labelled, "text": f"two {k.name}s, a {k.name.upper()}"}) + "\n"),
    ),
    "a label in a name of a file": ("notes.tsv", lambda f, k: line(f, f"{k.labelled}\t{k.entity}_0012.jpg\n")),
    "a member of a tar": ("images/more.tar", lambda f, k: _tar(f, [(f"{k.entity}/{k.labelled}.png", b"")])),
    "words in a tar": ("images/more.tar", lambda f, k: _tar(f, [(f"{k.labelled}.txt", k.name.encode())])),
    "JSON in a tar": (
        "images/more.tar",
        lambda f, k: _tar(f, [("a.json", json.dumps({"q": [k.subtopic], "d": [k.image]}).encode())]),
    ),
    "an answer": ("topics.jsonl", lambda f, k: line(f, json.dumps({"topic_id": k.topic, "answer": k.answer}) + "\n")),
    "an answer of a subtopic": (
        "queries.jsonl",
        lambda f, k: line(f, json.dumps({"_id": k.subtopic, "metadata": {"said": k.answer}}) + "\n"),
    ),
    "an answer in words": ("ERRATA.md", lambda f, k: line(f, f"{k.topic}: the answer is {k.answer}.\n")),
    "a value": (
        "notes.json",
        lambda f, k: document(f, {"entity_id": k.owner, "feature": k.feature, "value": k.value}),
    ),
    "the salt": ("params.yaml", lambda f, _: line(f, f"# {SALT}\n")),
    "the salt in a table": ("scores.parquet", lambda f, _: rows(f, also=SALT)),
    "a hash without salt": ("ERRATA.md", lambda f, k: line(f, sha256_bytes(k.text.encode()) + "\n")),
    "a grade by the image's sum": (
        "more.trec", lambda f, k: line(f, f"{k.subtopic} 0 {k.image}{'0' * 48} 1\n")
    ),
    "a grade in capitals": ("ERRATA.md", lambda f, k: line(f, f"{k.subtopic} {k.image.upper()}x {k.image.upper()}\n")),
    "a score under a heading": ("more.tsv", lambda f, k: line(f, f"query\tnDCG@10\n{k.subtopic}\t0.431\n")),
    "a score by a measure of ours": (
        "fitness.json", lambda f, k: document(f, {k.subtopic: {"both_entities@10": 0.25, "hit@10": 1}})
    ),
    "a score in prose": ("ERRATA.md", lambda f, k: line(f, f"| {k.subtopic} | nDCG@10 | 0.431 |\n")),
    "what a picture says": ("more.jpg", lambda f, k: described(f, f"{k.subtopic} {k.image}")),
    "a column": ("pools.parquet", lambda f, k: rows(f, **{f"{k.subtopic} {k.image}": 1})),
    "what is packed": ("more.zip", lambda f, _: line(f, "PK")),
    "what is no text": ("more.bin", lambda f, _: f.write_bytes(b"\xff\xfe\x00")),
}  # fmt: skip


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_leak_is_found_where_it_is(kind: str, folder: Path, sealed: SealedPart) -> None:
    name, plant = PLANTED[kind]
    plant(folder / name, Known(sealed))
    found = list(leaks(folder, sealed))
    assert found, kind
    assert {problem.where.removeprefix(f"{folder}/")[: len(name)] for problem in found} == {name}


NEAR: dict[str, tuple[str, Plant]] = {
    "its question": ("ERRATA.md", lambda f, k: line(f, f"{k.subtopic} is about the {k.name}.\n\n\n\n")),
    "an image alone": ("ERRATA.md", lambda f, k: line(f, f"\n\n\n{k.image} was rotated.\n")),
    "both, apart": ("fitness.json", lambda f, k: document(f, [{"a": k.subtopic}, {"b": k.image}])),
    "the entity of a query": (
        "queries.jsonl",
        lambda f, k: line(f, json.dumps({"_id": k.subtopic, "metadata": {"entity": k.name}}) + "\n"),
    ),
}


@pytest.mark.parametrize("kind", NEAR)
def test_what_tells_nothing_is_no_leak(kind: str, folder: Path, sealed: SealedPart) -> None:
    name, plant = NEAR[kind]
    plant(folder / name, Known(sealed))
    assert list(leaks(folder, sealed)) == []


def test_a_file_full_of_leaks_is_told_in_a_few_lines(folder: Path, sealed: SealedPart) -> None:
    line(folder / "qrels" / "qrels.trec", sealed.texts["qrels.trec"])
    found = list(leaks(folder, sealed))
    assert len(found) == 11
    assert "tells more of the kind" in found[-1].what


def test_a_link_in_a_tar_is_looked_at(folder: Path, sealed: SealedPart) -> None:
    known = Known(sealed)
    with tarfile.open(folder / "images" / "more.tar", "w") as tar:
        info = tarfile.TarInfo(f"{known.labelled}.png")
        info.type, info.linkname = tarfile.SYMTYPE, f"{known.entity}.png"
        tar.addfile(info, io.BytesIO())
    assert [problem.where.rpartition("/")[2] for problem in leaks(folder, sealed)] == [
        f"more.tar: {known.labelled}.png"
    ]
