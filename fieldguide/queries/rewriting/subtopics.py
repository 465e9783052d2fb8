"""Subtopics with the names of their entities."""

from __future__ import annotations

from fieldguide.core.errors import Problem, ProblemsError
from fieldguide.core.paths import Paths
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import Subtopic, read_topics


def named_subtopics(paths: Paths, stage: str) -> tuple[list[Subtopic], dict[str, str]]:
    """All subtopics, sorted by subtopic_id, and the name of each mined entity by entity_id.

    Raises:
        ProblemsError: topics of entities that were not mined, all of them; `stage` names who asks.
    """
    names = dict(ENTITIES.read(paths.entities)[["entity_id", "name"]].itertuples(index=False, name=None))
    subtopics = sorted((s for t in read_topics(paths.topics) for s in t.subtopics), key=lambda s: s.subtopic_id)
    unknown = [
        Problem(f"{paths.topics} {s.subtopic_id}", f"entity {s.entity_id!r} is not in {paths.entities}")
        for s in subtopics
        if s.entity_id not in names
    ]
    if unknown:
        raise ProblemsError(f"{stage}: topics and mined entities do not belong together:", unknown)
    return subtopics, names
