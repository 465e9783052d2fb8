"""The lineage of one judgment: why the entity, where the image is from, what pooled it, who judged it, who finds it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fieldguide.annotation.judgments import log
from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.params import Params
from fieldguide.publishing.benchmark import Benchmark
from fieldguide.records.runs import TRACKS, read_run
from fieldguide.records.topics import Subtopic


@dataclass(frozen=True)
class LoggedJudgment:
    """A line of the judgment log. `holds`: it is not superseded, withdrawn or a withdrawal itself."""

    subtopic_id: str
    image_id: str
    assessor: str
    grade: int | None
    choice: str | None
    guideline: str
    judged_at: str | None
    action: str
    holds: bool


@dataclass(frozen=True)
class Evidence:
    """What is known of the asked feature, and from where."""

    value: str
    source: str
    evidence: str


@dataclass(frozen=True)
class AskedQuestion:
    """What is asked, and why of this entity."""

    topic_id: str
    kind: str
    form: str
    question: str
    answer: str
    feature: str
    part: str
    entity_id: str
    entity: str
    evidence: tuple[Evidence, ...]
    group_id: str | None
    group_reason: str | None
    phrase: str | None
    provenance: dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """The image. `duplicates` tells of other files with the same bytes or nearly the same pixels."""

    image_id: str
    sha256: str
    entity_id: str | None
    entity: str | None
    split: str
    source: str
    source_key: str
    licence: str | None
    attribution: str | None
    duplicates: tuple[str, ...]


@dataclass(frozen=True)
class Pooled:
    """What brought the image into the subtopic's pool: systems with their ranks, or the random sample."""

    systems: dict[str, int]
    sampled: bool


@dataclass(frozen=True)
class Decided:
    """The grade after adjudication, with its definition."""

    grade: int
    definition: str | None
    assessors: tuple[str, ...]
    decided_by: str


@dataclass(frozen=True)
class Placement:
    """What a system does with the image: rank from 1 and score; None where its run does not hold the image."""

    track: str
    system: str
    rank: int | None
    score: float | None


@dataclass(frozen=True)
class Lineage:
    """Everything about one subtopic and image. `missing` names files of stages that have not run."""

    subtopic_id: str
    asked: AskedQuestion
    image: Shown
    pool: Pooled | None
    judgments: tuple[LoggedJudgment, ...]
    qrel: Decided | None
    placements: tuple[Placement, ...]
    missing: tuple[str, ...]


def explain(paths: Paths, params: Params, topic: str, image: str) -> tuple[Lineage, ...]:
    """The lineage of an image for a subtopic, or for every subtopic of a topic.

    Args:
        paths: where the benchmark lies.
        params: names the systems.
        topic: a topic_id or subtopic_id, or the beginning of one that no other begins with.
        image: an image_id, or the beginning of one that no other begins with.

    Raises:
        FieldguideError: no or several such topics or images; names the likely ones.
    """
    benchmark = Benchmark(paths, params)
    subtopics = _subtopics(benchmark, topic)
    image_id = resolve(image, benchmark.image_rows, "image", str(paths.images))
    given = [judgment for judgment in _judged(paths) if judgment.image_id == image_id]
    shown = _shown(benchmark, image_id)
    placed, missing = _placements(benchmark, image_id, {s.subtopic_id for s in subtopics})
    optional = (paths.pools, paths.qrels / "qrels.parquet", paths.judgments)
    missing += [str(path) for path in optional if not path.exists()]
    return tuple(
        Lineage(
            subtopic.subtopic_id,
            _asked(benchmark, subtopic),
            shown,
            _pooled(benchmark, subtopic.subtopic_id, image_id),
            tuple(judgment for judgment in given if judgment.subtopic_id == subtopic.subtopic_id),
            _decided(benchmark, subtopic.subtopic_id, image_id),
            tuple(placement for identity, placement in placed if identity == subtopic.subtopic_id),
            tuple(missing),
        )
        for subtopic in subtopics
    )


def resolve(given: str, known: Iterable[str], what: str, where: str) -> str:
    """The one of `known` that is `given` or begins with it.

    Raises:
        FieldguideError: none or several do; names those, or the ones that look alike.
    """
    names = sorted(known)
    if given in names:
        return given
    found = [name for name in names if given and name.startswith(given)]
    if len(found) == 1:
        return found[0]
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise FieldguideError(f"{what} {given!r}: several begin so: {', '.join(found[:5])}{more}; give more of it")
    close = difflib.get_close_matches(given, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {len(names)}, such as {', '.join(names[:3])}"
    raise FieldguideError(f"{what} {given!r}: not in {where}; {hint}")


def _subtopics(benchmark: Benchmark, given: str) -> tuple[Subtopic, ...]:
    topics = {topic.topic_id: topic for topic in benchmark.topics}
    # A subtopic_id goes on where its topic_id ends: only what has a dot can mean a single subtopic.
    if "." in given:
        return (benchmark.subtopics[resolve(given, benchmark.subtopics, "subtopic", str(benchmark.paths.topics))],)
    return topics[resolve(given, topics, "topic", str(benchmark.paths.topics))].subtopics


def _judged(paths: Paths) -> Iterator[LoggedJudgment]:
    """The judgment log; nothing where there is none yet."""
    if not paths.judgments.exists():
        return
    entries = log.read(paths.judgments).entries
    holding = {entry.hash for entry in log.current(entries)}
    for e in entries:
        yield LoggedJudgment(
            e.subtopic_id, e.image_id, e.assessor, e.grade, e.choice, e.guideline, e.judged_at, e.action,
            e.hash in holding,
        )  # fmt: skip


def _asked(benchmark: Benchmark, subtopic: Subtopic) -> AskedQuestion:
    topic, entity = subtopic.topic, subtopic.entity_id
    group = topic.provenance.get("group_id") or "+".join(sorted(topic.entities))
    groups, rows = benchmark.groups, benchmark.attributes
    rows = rows[(rows["entity_id"] == entity) & (rows["feature"] == topic.feature)]
    known = group in groups.index
    phrases = benchmark.phrases if benchmark.paths.phrases.exists() else {}
    phrase = phrases.get(subtopic.subtopic_id)
    return AskedQuestion(
        topic.topic_id,
        topic.kind,
        topic.form,
        topic.text,
        topic.answer,
        topic.feature,
        topic.part,
        entity,
        str(benchmark.entities.loc[entity, "name"]) if entity in benchmark.entities.index else entity,
        tuple(Evidence(*map(str, row)) for row in rows[["value", "source", "evidence"]].to_numpy().tolist()),
        group if known else None,
        str(groups.loc[group, "reason"]) if known else None,
        phrase.text if phrase else None,
        topic.provenance,
    )


def _shown(benchmark: Benchmark, image_id: str) -> Shown:
    row = benchmark.image_rows[image_id]
    names = benchmark.entities["name"].to_dict()
    return Shown(
        image_id,
        row.sha256,
        row.entity_id,
        names.get(row.entity_id) if row.entity_id else None,
        row.split,
        row.source,
        row.source_key,
        row.licence,
        row.attribution,
        tuple(_duplicates(benchmark.duplicates, image_id)),
    )


def _duplicates(duplicates: pd.DataFrame, image_id: str) -> Iterable[str]:
    touching = (duplicates["image_id"] == image_id) | (duplicates["other_image_id"] == image_id)
    for row in duplicates[touching].itertuples(index=False, name="Row"):
        across = ", across the splits" if row.across_splits else ""
        if row.kind == "exact":
            yield f"same bytes as {row.source!s} {row.source_key!s}{across}"
        else:
            other = row.other_image_id if row.image_id == image_id else row.image_id
            yield f"nearly {other!s} ({row.distance} bits apart{across})"


def _pooled(benchmark: Benchmark, subtopic_id: str, image_id: str) -> Pooled | None:
    if not benchmark.paths.pools.exists():
        return None
    row = _only(benchmark.pools, subtopic_id, image_id)
    return None if row is None else Pooled(dict(zip(row.systems, row.ranks, strict=True)), bool(row.sampled))


def _decided(benchmark: Benchmark, subtopic_id: str, image_id: str) -> Decided | None:
    folder = benchmark.paths.qrels
    if not (folder / "qrels.parquet").exists():
        return None
    row = _only(benchmark.qrels, subtopic_id, image_id)
    if row is None:
        return None
    grades = benchmark.grade_file if (folder / "grades.json").exists() else {}
    return Decided(int(row.grade), grades.get(str(row.grade)), tuple(row.assessors), row.decided_by)


def _placements(
    benchmark: Benchmark, image_id: str, subtopics: set[str]
) -> tuple[list[tuple[str, Placement]], list[str]]:
    """(subtopic_id, placement) of every run that is there, and the files of those that are not."""
    placed, missing = [], []
    for track in TRACKS:
        for system in benchmark.params.retrieve.systems:
            path: Path = benchmark.paths.run(track, system)
            if not path.exists():
                missing.append(str(path))
                continue
            run = read_run(path)
            run = run[run["image_id"] == image_id]
            lines = {row.subtopic_id: row for row in run.itertuples(index=False, name="Row")}
            for subtopic in sorted(subtopics):
                row: Any = lines.get(subtopic)
                rank, score = (int(row.rank), float(row.score)) if row is not None else (None, None)
                placed.append((subtopic, Placement(track, system, rank, score)))
    return placed, missing


def _only(frame: pd.DataFrame, subtopic_id: str, image_id: str) -> Any:
    """The row of a pair, as a named tuple; None if there is none."""
    rows = frame[(frame["subtopic_id"] == subtopic_id) & (frame["image_id"] == image_id)]
    return next(rows.itertuples(index=False, name="Row"), None)
