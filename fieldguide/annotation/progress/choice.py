"""What each subtopic would cost: for a manager who chooses which to ask about, before and after anybody is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from fieldguide.annotation.judgments.log import LogEntry, current
from fieldguide.annotation.judgments.votes import Pair
from fieldguide.annotation.planning.section import Annotate
from fieldguide.annotation.progress.effort import Pace, pace_of
from fieldguide.records.topics import Subtopic


@dataclass(frozen=True)
class SubtopicCost:
    """One subtopic.

    Attributes:
        entity: its name.
        pool: images in its pool, each judged by annotate.overlap people.
        chosen: annotate.subtopics asks about it.
        judged: judgments of pooled images in the log, of an image at most annotate.overlap.
        left: judgments that are missing.
        hours: of people, for all of the pool; gold, repeats and disputes come on top.
        hours_left: for what is left.
    """

    topic_id: str
    subtopic_id: str
    question: str
    entity: str
    pool: int
    chosen: bool
    judged: int
    left: int
    hours: float
    hours_left: float


def costs_of(
    pools: pd.DataFrame,
    subtopics: Mapping[str, Subtopic],
    names: Mapping[str, str],
    entries: Iterable[LogEntry],
    annotate: Annotate,
) -> tuple[list[SubtopicCost], Pace]:
    """Every subtopic in the order of `subtopics`, and the pace that hours rest on.

    Args:
        pools: records.POOLS.
        subtopics: by subtopic_id.
        names: of entities, by entity_id.
        entries: the judgment log's lines that count.
        annotate: section of params.yaml.
    """
    lines = list(entries)
    now = current(lines)
    pace = pace_of(lines, grid=annotate.page > 1)
    people: dict[Pair, set[str]] = defaultdict(set)
    for entry in now:
        if entry.role == "assessor":
            people[entry.subtopic_id, entry.image_id].add(entry.assessor)
    pooled: dict[str, list[Pair]] = defaultdict(list)
    for subtopic, image in zip(pools["subtopic_id"], pools["image_id"], strict=True):
        pooled[subtopic].append((subtopic, image))
    return [_cost(one, pooled[one.subtopic_id], people, names, annotate, pace) for one in subtopics.values()], pace


def _cost(
    subtopic: Subtopic,
    pool: Sequence[Pair],
    people: Mapping[Pair, set[str]],
    names: Mapping[str, str],
    annotate: Annotate,
    pace: Pace,
) -> SubtopicCost:
    wanted, overlap = len(pool) * annotate.overlap, annotate.overlap
    given = [min(overlap, len(people.get(pair, ()))) for pair in pool]
    # Who still has to read the question: as many as are wanted of the image that the fewest have judged.
    readers = overlap - min(given, default=overlap)
    left = wanted - sum(given)
    topic = subtopic.topic
    return SubtopicCost(
        topic_id=topic.topic_id,
        subtopic_id=subtopic.subtopic_id,
        question=topic.text,
        entity=names.get(subtopic.entity_id, subtopic.entity_id),
        pool=len(pool),
        chosen=not annotate.subtopics or not {topic.topic_id, subtopic.subtopic_id}.isdisjoint(annotate.subtopics),
        judged=sum(given),
        left=left,
        hours=(wanted * pace.an_image + bool(pool) * overlap * pace.a_question) / 3600,
        hours_left=(left * pace.an_image + readers * pace.a_question) / 3600,
    )
