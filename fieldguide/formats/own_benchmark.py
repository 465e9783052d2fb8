"""This house's own benchmarks as a collection: a repository's data, or a release folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.core.tables import Table
from fieldguide.formats.collection import PublishedBenchmark, PublishedPool, PublishedQuestion
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.release import RELEASE_IMAGES
from fieldguide.records.topics import Topic, read_topics

NAME = "fieldguide"
# As fieldguide/publishing/release/layout.py names them; the release package itself reads far more than is needed here.
_RELEASE = "release.json"


class BenchmarkFiles(NamedTuple):
    """What a collection is read from."""

    topics: Path
    pools: Path
    qrels: Path
    images: Path
    entities: Path
    image_table: Table


def recognise(path: Path) -> bool:
    """Whether a folder is a release, or a repository with topics and pools."""
    return path.is_dir() and ((path / _RELEASE).is_file() or Paths(path).topics.is_file())


def read(path: Path) -> PublishedBenchmark:
    """Read a release folder, or a repository whose stages made topics and pools.

    An image of a pool without a grade has the label None. What an image shows is what the corpus says.

    Raises:
        ProblemsError: files are missing (all are listed), or one does not have its columns.
    """
    files = files_of(path)
    tables = (files.topics, files.pools, files.qrels, files.images, files.entities)
    missing = [Problem(str(file), "is missing") for file in tables if not file.is_file()]
    if missing:
        raise ProblemsError(f"{path}: no whole benchmark", missing)
    entities = ENTITIES.read(files.entities)
    names = dict(zip(entities["entity_id"], entities["name"], strict=True))
    pools, qrels = POOLS.read(files.pools), QRELS.read(files.qrels)
    grades = {
        (str(subtopic), str(image)): int(grade)
        for subtopic, image, grade in zip(qrels["subtopic_id"], qrels["image_id"], qrels["grade"], strict=True)
    }
    labels: dict[str, dict[str, int | None]] = {}
    for subtopic, image in zip(pools["subtopic_id"], pools["image_id"], strict=True):
        labels.setdefault(str(subtopic), {})[str(image)] = grades.get((str(subtopic), str(image)))
    questions = tuple(
        _question(topic, f"{files.topics}:{number}", labels, names, files.pools)
        for number, topic in enumerate(read_topics(files.topics), 1)
    )
    images = files.image_table.read(files.images)
    pairs = zip(images["image_id"], images["entity_id"], strict=True)
    shown = {str(image): str(names.get(entity, entity)) for image, entity in pairs if isinstance(entity, str)}
    return PublishedBenchmark(path.resolve().name, NAME, questions, entities=shown)


def _question(
    topic: Topic, where: str, labels: dict[str, dict[str, int | None]], names: dict[str, str], pools: Path
) -> PublishedQuestion:
    return PublishedQuestion(
        topic.topic_id,
        topic.text,
        (topic.answer,),
        tuple(
            PublishedPool(
                s.subtopic_id,
                names.get(s.entity_id, s.entity_id),
                names.get(s.entity_id, s.entity_id),
                labels.get(s.subtopic_id, {}),
                f"{pools} {s.subtopic_id}",
            )
            for s in topic.subtopics
        ),
        {"feature": topic.feature, "part": topic.part},
        where,
    )


def files_of(path: Path) -> BenchmarkFiles:
    """Where a release folder or a repository keeps its tables."""
    if (path / _RELEASE).is_file():
        return BenchmarkFiles(
            path / "topics.jsonl",
            path / "pools.parquet",
            path / "qrels/qrels.parquet",
            path / "images.parquet",
            path / "entities.parquet",
            RELEASE_IMAGES,
        )
    paths = Paths(path)
    qrels = paths.qrels / "qrels.parquet"
    return BenchmarkFiles(paths.topics, paths.pools, qrels, paths.images, paths.entities, IMAGES)
