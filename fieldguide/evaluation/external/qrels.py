"""The judgments to score a run against, from whatever holds them: TREC qrels, this house's tables, published files."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import open_input
from fieldguide.evaluation.measures.chance import Labels
from fieldguide.evaluation.measures.providers.diversity import topic_of
from fieldguide.formats.collection import PublishedBenchmark
from fieldguide.formats.reading import fitting
from fieldguide.formats.reading import read as read_published
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS, QRELS, complete
from fieldguide.records.runs import QREL_COLUMNS, read_qrels_trec
from fieldguide.records.topics import read_topics

# Of a folder: a repository of this house, its data or an imported folder, a release, the folder of the qrels alone.
_INSIDE = ("data/qrels/qrels.parquet", "qrels/qrels.parquet", "qrels.parquet")
# Beside the folder that holds qrels.parquet, in data and in a release.
_HEAD = 1 << 16
_TOPICS = ("topics/topics.jsonl", "topics.jsonl")
_POOLS = ("pools/pools.parquet", "pools.parquet")
_IMAGES = ("corpus/images.parquet", "images.parquet")


@dataclass(frozen=True)
class JudgedCollection:
    """A collection's judgments.

    Attributes:
        name: where they are from.
        qrels: subtopic_id, image_id, grade.
        pools: labels of each judged subtopic's images, None for one that is pooled and not judged.
        topics: topic of each judged subtopic; its subtopics move together in every resample.
        entities: entity of each; None where they are not known, then topics count as independent.
        images: how many there are in all; None where that is not known.
        complete: whether all of them were judged, so that one without a grade is known to be not relevant.
    """

    name: str
    qrels: pd.DataFrame
    pools: Mapping[str, Labels]
    topics: Mapping[str, str]
    entities: Mapping[str, str] | None
    images: int | None = None
    complete: bool = False

    def of_topics(self) -> JudgedCollection:
        """The same by topic, for runs that have one list a topic: an image's grade is its best for any subtopic."""
        topics = self.qrels["subtopic_id"].map(self.topics).astype(str)
        best = self.qrels.assign(subtopic_id=topics).groupby(["subtopic_id", "image_id"], sort=False, observed=True)
        made = _of_frame(self.name, best["grade"].max().reset_index()[list(QREL_COLUMNS)])
        unjudged = {self.topics[s]: tuple(label for label in pool if label is None) for s, pool in self.pools.items()}
        pools = {topic: (*labels, *unjudged[topic]) for topic, labels in made.pools.items()}
        entities = None
        if self.entities is not None and len(pools) == len(self.topics):  # each topic has one
            entities = {self.topics[subtopic]: entity for subtopic, entity in self.entities.items()}
        topics_alone = {topic: topic for topic in pools}
        return replace(self, qrels=made.qrels, pools=pools, topics=topics_alone, entities=entities)


def read_judged(path: Path, form: str | None = None) -> JudgedCollection:
    """Read judgments.

    A folder is looked through for qrels.parquet. What a file is its content tells, gzipped or not: records.QRELS,
    TREC qrels, or a published benchmark, as any other folder is (see `fieldguide.formats`). Where no topics.jsonl
    lies beside the qrels, `t0007.e2` is a subtopic of `t0007`, and an id of another form is its own topic.

    Args:
        path: file or folder.
        form: format of a published benchmark, told from the content if None; `trec` for TREC qrels.

    Raises:
        FieldguideError: no such file, of no format that is known, nothing is judged.
        ProblemsError: everything that is wrong with the file.
    """
    if not path.exists():
        raise FieldguideError(f"{path}: no such file or folder")
    judged = _read(path, form)
    if judged.qrels.empty:
        raise FieldguideError(f"{path}: holds no judgment")
    return judged


def _read(path: Path, form: str | None) -> JudgedCollection:
    table = _table_inside(path) if path.is_dir() else path
    if form is None and table is not None and (table != path or _head(path).startswith(b"PAR1")):
        return _of_table(table)
    if not path.is_dir() and (form == "trec" or (form is None and _looks_like_qrels(path))):
        return _of_frame(str(path), read_qrels_trec(path))
    return _of_collection(path, read_published(form, path))


def _table_inside(folder: Path) -> Path | None:
    return next((folder / name for name in _INSIDE if (folder / name).is_file()), None)


def _head(path: Path) -> bytes:
    """The first bytes, unpacked."""
    with open_input(path) as stream:
        try:
            return (gzip.open(stream) if stream.peek(2)[:2] == b"\x1f\x8b" else stream).read(_HEAD)
        except (OSError, EOFError, zlib.error) as error:
            raise FieldguideError(f"{path}: damaged gzip file ({error})") from None


def _looks_like_qrels(path: Path) -> bool:
    """Whether the first line that is no comment has four columns, or no other format knows the content."""
    lines = [line.split() for line in _head(path).removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    first = next((line for line in lines if line and not line[0].startswith(b"#")), [])
    return len(first) == 4 or not fitting(path)


def _of_table(path: Path) -> JudgedCollection:
    qrels = QRELS.read(path)[list(QREL_COLUMNS)]
    plain = _of_frame(str(path), qrels, _beside(path, _POOLS))
    if complete(path.parent / "grades.json"):
        images = _beside(path, _IMAGES)
        gallery = None if images is None else int((IMAGES.read(images, ["split"])["split"] == "gallery").sum())
        plain = replace(plain, complete=True, images=gallery)
    found = _beside(path, _TOPICS)
    if found is None:
        return plain
    known = {s.subtopic_id: s for topic in read_topics(found) for s in topic.subtopics}
    strange = sorted(set(plain.topics) - set(known))
    if strange:
        raise FieldguideError(
            f"{path}: subtopic {strange[0]} is not in {found} (nor are {len(strange) - 1} others); "
            "make both from the same topics, or give the qrels alone"
        )
    topics = {s: known[s].topic.topic_id for s in plain.topics}
    return replace(plain, topics=topics, entities={s: known[s].entity_id for s in plain.topics})


def _beside(qrels: Path, names: Sequence[str]) -> Path | None:
    """A file beside the folder that holds qrels.parquet."""
    folder = qrels.parent.parent
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _of_frame(name: str, qrels: pd.DataFrame, pools: Path | None = None) -> JudgedCollection:
    made: dict[str, tuple[int | None, ...]] = {
        str(subtopic): tuple(grades.tolist()) for subtopic, grades in qrels.groupby("subtopic_id", sort=True)["grade"]
    }
    if pools is not None:
        pooled = POOLS.read(pools).merge(qrels, on=["subtopic_id", "image_id"], how="left")
        for subtopic, count in pooled[pooled["grade"].isna()].groupby("subtopic_id").size().items():
            if subtopic in made:
                made[str(subtopic)] += (None,) * int(count)
    return JudgedCollection(name, qrels, made, {subtopic: topic_of(subtopic) for subtopic in made}, None)


def _of_collection(path: Path, collection: PublishedBenchmark) -> JudgedCollection:
    rows = [(s, image, grade) for s, labels in collection.qrels.items() for image, grade in labels.items()]
    judged = [pool for pool in collection.pools if any(label is not None for label in pool.labels.values())]
    entities = {pool.subtopic_id: pool.entity for pool in judged if pool.entity is not None}
    return JudgedCollection(
        str(path),
        pd.DataFrame(rows, columns=list(QREL_COLUMNS)),
        {pool.subtopic_id: tuple(pool.labels.values()) for pool in judged},
        {p.subtopic_id: question.topic_id for question in collection.questions for p in question.pools},
        entities if len(entities) == len(judged) else None,
        len(collection.images) if collection.corpus else None,
    )
