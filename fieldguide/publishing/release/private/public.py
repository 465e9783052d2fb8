"""The public part of a benchmark as a benchmark of its own, in a folder where nothing that is withheld lies.

A release is made from that folder, so that whatever is written into it, now or by a later version, can only tell what
is public. Where a figure is over all topics, it is made anew over the public ones.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import pandas as pd

from fieldguide.annotation.judgments import log
from fieldguide.core.files import atomic_open, csv_text, read_json, write_json
from fieldguide.core.paths import Paths
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.publishing.release.private.draw import APPEARANCE, PrivatePart
from fieldguide.publishing.release.private.figures import write_figures
from fieldguide.records.images import IMAGES
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES
from fieldguide.records.plan import DECISIONS, PLAN
from fieldguide.records.runs import write_qrels_trec
from fieldguide.records.topics import Topic, write_records

# Linked, since nothing of a topic's judgments is in them. Captions and calls are left out: they describe single images
# and answer single questions.
_LINKED = (
    "input", "knowledge", "models", "corpus/shards", "corpus/duplicates.parquet", "corpus/rejected.parquet", "drawings",
    "embeddings", "queries", "mined/groups.parquet",
    "runs/search", "texts", "judgments/guidelines",
)  # fmt: skip
_OWN = ("data", "annotation", ".private", ".fieldguide", ".annotation", ".git", ".dvc")


def write_public(benchmark: Benchmark, part: PrivatePart, root: Path) -> Paths:
    """Write the public part below `root`, an empty folder.

    Raises:
        FieldguideError: files of the benchmark are missing or damaged.
    """
    whole, public = benchmark.paths, Paths(root)
    _link(whole, public)
    write_records(public.topics, [told(topic, part) for topic in part.all])
    _knowledge(benchmark, part, public)
    _judgments(benchmark, part, public)
    _annotation(whole, part, public)
    for track, system in benchmark.runs:
        _copy_lines(whole.run(track, system), part, public.run(track, system))
    IMAGES.write(public.images, benchmark.images.reset_index(drop=True))
    write_figures(benchmark, part, public)
    IMAGES.write(public.images, unlabelled(benchmark.images))
    return public


def told(topic: Topic, part: PrivatePart) -> Topic:
    """A topic as it is published: a private one is a question without its answer, and without what it rests on."""
    if topic.topic_id not in part.topics:
        return topic
    return dataclasses.replace(topic, answer="", values={}, provenance={})


def unlabelled(images: pd.DataFrame) -> pd.DataFrame:
    """IMAGES of which none of the gallery has an entity or a name in its source.

    All of them: where only those of private entities had none, that would name them.
    """
    hidden = images["split"] == "gallery"
    entities = images["entity_id"].where(~hidden, None)
    keys = images["source_key"].where(~hidden, "")
    return images.assign(entity_id=entities, source_key=keys).reset_index(drop=True)


def _link(whole: Paths, public: Paths) -> None:
    places = [path for path in whole.root.glob("*") if path.name not in _OWN]
    places += [whole.data / name for name in _LINKED]
    for place in places:
        if place.exists():
            link = public.root / place.relative_to(whole.root)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(place.resolve())


def _knowledge(benchmark: Benchmark, part: PrivatePart, public: Paths) -> None:
    pairs = zip(benchmark.attributes["entity_id"], benchmark.attributes["feature"], strict=True)
    ATTRIBUTES.write(public.attributes, benchmark.attributes[[not part.hides(*pair) for pair in pairs]])
    entities = benchmark.entities.reset_index(drop=True)
    hidden = entities["entity_id"].map(lambda entity: part.hides(entity, APPEARANCE))
    ENTITIES.write(public.entities, entities.assign(description=entities["description"].where(~hidden, None)))


def _judgments(benchmark: Benchmark, part: PrivatePart, public: Paths) -> None:
    whole = benchmark.paths
    POOLS.write(public.pools, _kept(benchmark.pools, part))
    qrels = _kept(benchmark.qrels, part)
    QRELS.write(public.qrels / "qrels.parquet", qrels)
    write_qrels_trec(public.qrels / "qrels.trec", qrels)
    entries = (entry for entry in log.read(whole.judgments).entries if entry.subtopic_id not in part.subtopics)
    written = log.write_part(public.judgments, entries)
    grades = read_json(whole.qrels / "grades.json")
    write_json(public.qrels / "grades.json", grades | {"log": {"head": written.head, "lines": len(written.entries)}})
    for table, name in ((DECISIONS, Path("qrels/decisions.parquet")), (PLAN, Path("judgments/plan.parquet"))):
        if (whole.data / name).exists():
            table.write(public.data / name, _kept(table.read(whole.data / name), part))


def _annotation(whole: Paths, part: PrivatePart, public: Paths) -> None:
    """What people judge by; of tables (gold) the rows of public subtopics."""
    for path in sorted(whole.annotation.glob("*")):
        target = public.annotation / path.name
        if path.suffix == ".csv":
            rows = list(csv.reader(csv_text(path)))
            stream = io.StringIO(newline="")
            csv.writer(stream, lineterminator="\n").writerows(r for r in rows if not part.subtopics.intersection(r))
            with atomic_open(target) as written:
                written.write(stream.getvalue())
        elif path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path.resolve())


def _copy_lines(source: Path, part: PrivatePart, target: Path) -> None:
    """Lines of a run or of qrels whose first word is a public subtopic."""
    with source.open(encoding="utf-8") as stream, atomic_open(target) as written:
        written.writelines(line for line in stream if part.subtopics.isdisjoint(line.split(maxsplit=1)[:1]))


def _kept(frame: pd.DataFrame, part: PrivatePart) -> pd.DataFrame:
    return frame[~frame["subtopic_id"].isin(list(part.subtopics))].reset_index(drop=True)
