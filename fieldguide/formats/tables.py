"""A collection as the house's tables, and back: nothing is added that the publisher did not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError, Problem, ProblemsError
from fieldguide.core.files import atomic_directory, read_json, read_jsonl, write_json, write_jsonl
from fieldguide.formats import identity, manifest
from fieldguide.formats.collection import PublishedBenchmark, PublishedPool, PublishedQuestion
from fieldguide.formats.deviations import KINDS, Deviation
from fieldguide.records.judgments import POOLS as POOL_TABLE
from fieldguide.records.judgments import QRELS as QREL_TABLE
from fieldguide.records.knowledge import ENTITIES as ENTITY_TABLE
from fieldguide.records.runs import write_qrels_trec
from fieldguide.records.topics import Topic, read_topics, write_records

VERSION = 2
ABOUT = "collection.json"
# As in a release, so that what reads the one reads the other.
TOPICS, ENTITIES, POOLS, QRELS = "topics.jsonl", "entities.parquet", "pools.parquet", "qrels/qrels.parquet"
GRADES, CORPUS, MANIFEST = "qrels/grades.json", "corpus.jsonl", "manifest.csv"
QRELS_TREC, QRELS_NAMES = "qrels/qrels.trec", "qrels/qrels-names.trec"
DECIDED_BY = "published"


def refuse_losses(collection: PublishedBenchmark, accepted: bool = False) -> None:
    """Refuse a collection whose files hold more than could be read.

    Args:
        collection: what was read.
        accepted: the user takes the loss; what no file of the house can hold is refused all the same.

    Raises:
        ProblemsError: every deviation by which something would be lost.
    """
    lost = [
        o for o in collection.deviations if not KINDS[o.kind].lossless and not (accepted and o.kind != "not-finite")
    ]
    if lost:
        advice = "mend the file" if accepted else "mend the file, or give --accept-loss"
        headline = f"{collection.name}: importing it would lose what the file says here; {advice}:"
        raise ProblemsError(headline, [Problem(o.where, f"{o.kind}: {o.detail}") for o in lost])


def topics(collection: PublishedBenchmark) -> list[Topic]:
    """One topic a question.

    Form, feature and part are empty and no entity has a value: published files do not say them. An entity that the
    file does not name is `unnamed-` and its subtopic: nobody else's. What the house has no column for is `provenance`.
    """
    slugs = identity.entity_ids(_entities(collection))
    return [
        Topic(
            topic_id=question.topic_id,
            kind="comparison" if len(question.pools) > 1 else "entity",
            form="",
            text=question.text,
            entities=tuple(
                f"unnamed-{pool.subtopic_id}" if pool.entity is None else slugs[pool.entity] for pool in question.pools
            ),
            feature="",
            part="",
            answer=question.answers[0] if len(question.answers) == 1 else "",
            values={},
            provenance={
                "imported": collection.format,
                "answers": list(question.answers),
                "pools": [{"name": pool.name, "entity": pool.entity} for pool in question.pools],
                "fields": dict(question.fields),
                "keys": list(question.keys),
            },
        )
        for question in collection.questions
    ]


def write(
    folder: Path, collection: PublishedBenchmark, entries: Sequence[manifest.ManifestEntry], source: Mapping[str, Any]
) -> None:
    """Write the collection's folder, whole or not at all.

    Args:
        folder: takes the place of an earlier import.
        collection: what was read.
        entries: `manifest.manifest` of its images.
        source: what is known of the files it was read from, for collection.json.

    Raises:
        FieldguideError: the folder holds something that is no import.
        ProblemsError: rows that do not fit the tables.
    """
    if folder.exists() and not (folder / ABOUT).is_file() and any(folder.iterdir()):
        raise FieldguideError(f"{folder}: holds something else than an import; name another folder")
    ids = {entry.name: entry.image_id for entry in entries}
    slugs = identity.entity_ids(_entities(collection))
    with atomic_directory(folder) as new:
        write_records(new / TOPICS, topics(collection))
        pools = POOL_TABLE.frame(list(_pool_rows(collection, ids)))
        POOL_TABLE.write(new / POOLS, pools)
        qrels = QREL_TABLE.frame(list(_qrel_rows(collection, ids)))
        QREL_TABLE.write(new / QRELS, qrels)
        write_qrels_trec(new / QRELS_TREC, qrels)
        if not any(name.split() != [name] for pool in collection.pools for name in pool.labels):
            write_qrels_trec(new / QRELS_NAMES, qrels.assign(image_id=qrels["image_id"].map(manifest.names(entries))))
        rows = [_entity_row(name, slugs[name], collection.format) for name in sorted(slugs, key=slugs.__getitem__)]
        ENTITY_TABLE.write(new / ENTITIES, ENTITY_TABLE.frame(rows))
        write_json(new / GRADES, grades(collection))
        if collection.corpus:
            write_jsonl(new / CORPUS, ({"name": n, "fields": dict(f)} for n, f in collection.corpus.items()))
        manifest.write(new / MANIFEST, entries)
        write_json(new / ABOUT, _about(collection, source))


def read(folder: Path) -> PublishedBenchmark:
    """The collection that `write` wrote: equal to the one it was given, places apart.

    Raises:
        FieldguideError: no import, or of another version.
        ProblemsError: tables that do not fit.
    """
    about = read_json(folder / ABOUT)
    if not isinstance(about, dict) or about.get("schema_version") != VERSION:
        raise FieldguideError(f"{folder / ABOUT}: is no import of version {VERSION}; run `fieldguide import` again")
    names = manifest.names(manifest.read(folder / MANIFEST))
    qrels = QREL_TABLE.read(folder / QRELS)
    grade = dict(zip(zip(qrels["subtopic_id"], qrels["image_id"], strict=True), qrels["grade"].tolist(), strict=True))
    labels: dict[str, dict[str, int | None]] = {}
    pooled = POOL_TABLE.read(folder / POOLS)
    for subtopic, image in zip(pooled["subtopic_id"], pooled["image_id"], strict=True):
        if image not in names:
            raise FieldguideError(f"{folder / MANIFEST}: image {image} of {subtopic} is not listed; import again")
        labels.setdefault(subtopic, {})[names[image]] = grade.get((subtopic, image))
    corpus = folder / CORPUS
    return PublishedBenchmark(
        name=about["name"],
        format=about["format"],
        questions=tuple(_question(topic, labels, folder) for topic in read_topics(folder / TOPICS)),
        deviations=tuple(Deviation(**deviation) for deviation in about["deviations"]),
        roots=about["roots"],
        corpus={row["name"]: row["fields"] for _, row in read_jsonl(corpus)} if corpus.exists() else {},
    )


def counts(collection: PublishedBenchmark) -> dict[str, int]:
    """Questions, subtopics, images, labels, positive labels, unjudged images of pools, questions without a pool."""
    labels = [label for pool in collection.pools for label in pool.labels.values()]
    return {
        "questions": len(collection.questions),
        "subtopics": len(collection.pools),
        "images": len(collection.images),
        "labels": sum(label is not None for label in labels),
        "relevant": sum(label is not None and label > 0 for label in labels),
        "unjudged": sum(label is None for label in labels),
        "questions_without_pool": sum(not question.pools for question in collection.questions),
        "deviations": len(collection.deviations),
    }


def grades(collection: PublishedBenchmark) -> dict[str, Any]:
    """Grade definitions: the labels that occur; what they mean beyond that, only the publisher knows."""
    found = sorted({label for pool in collection.pools for label in pool.labels.values() if label is not None})
    what = {True: "relevant, as published", False: "not relevant, as published"}
    about = (
        f"Labels of {collection.name}, taken from its files ({collection.format}). Who judged, how many and by which "
        "guideline, the files do not say."
    )
    return {"about": about, "guidelines": [], **{str(label): what[label > 0] for label in found}}


def _entities(collection: PublishedBenchmark) -> list[str]:
    return [pool.entity for pool in collection.pools if pool.entity is not None]


def _entity_row(name: str, slug: str, source: str) -> dict[str, Any]:
    row: dict[str, Any] = {"entity_id": slug, "name": name, "aliases": [], "taxonomy": [], "description": None}
    return {**row, "source": f"imported: {source}"}


def _pool_rows(collection: PublishedBenchmark, ids: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """In the published order; which system brought an image in, the files do not say."""
    unknown: dict[str, Any] = {"systems": [], "ranks": [], "best_rank": None, "sampled": False}
    for pool in collection.pools:
        for image in pool.labels:
            yield {"subtopic_id": pool.subtopic_id, "image_id": ids[image], **unknown}


def _qrel_rows(collection: PublishedBenchmark, ids: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    unknown: dict[str, Any] = {"assessors": [], "judgments": 0, "decided_by": DECIDED_BY}
    for subtopic, labels in collection.qrels.items():
        for image, label in labels.items():
            yield {"subtopic_id": subtopic, "image_id": ids[image], "grade": label, **unknown}


def _question(topic: Topic, labels: Mapping[str, Mapping[str, int | None]], folder: Path) -> PublishedQuestion:
    known = topic.provenance
    where = f"{folder / TOPICS} {topic.topic_id}"
    pools = tuple(
        PublishedPool(subtopic.subtopic_id, pool["name"], pool["entity"], labels.get(subtopic.subtopic_id, {}), where)
        for subtopic, pool in zip(topic.subtopics, known["pools"], strict=True)
    )
    return PublishedQuestion(
        topic.topic_id, topic.text, tuple(known["answers"]), pools, known["fields"], where, tuple(known["keys"])
    )


def _about(collection: PublishedBenchmark, source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schema_version": VERSION,
        "name": collection.name,
        "format": collection.format,
        "source": dict(source),
        "counts": counts(collection),
        "roots": dict(collection.roots),
        "deviations": [{"where": o.where, "kind": o.kind, "detail": o.detail} for o in collection.deviations],
    }
