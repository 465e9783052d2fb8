"""Stage `decompose`: each subtopic as one query about its entity and one about the part that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fieldguide.core.errors import FieldguideError
from fieldguide.core.paths import Paths
from fieldguide.queries.rewriting.section import Decompose
from fieldguide.queries.rewriting.subtopics import named_subtopics
from fieldguide.queries.wording.placeholders import placeholders
from fieldguide.records.topics import Component, Subtopic, write_records

_ALLOWED = {"entity": ("entity",), "part": ("part",)}


def decompose(spec: Decompose, paths: Paths) -> list[Component]:
    """Write data/components/components.jsonl, sorted by subtopic_id; returns what it holds.

    Raises:
        FieldguideError: a template has other placeholders than its own.
        ProblemsError: topics of entities that were not mined.
    """
    for key, template in (("entity", spec.entity), ("part", spec.part)):
        if placeholders(template) != list(_ALLOWED[key]):
            raise FieldguideError(f"params.yaml: decompose.{key}: {template!r} must hold {{{key}}} once, and no other")
    subtopics, names = named_subtopics(paths, "decompose")
    components = [component for s in subtopics for component in components_of(s, names, spec)]
    write_records(paths.components, components)
    return components


def components_of(subtopic: Subtopic, names: Mapping[str, str], spec: Decompose) -> Iterator[Component]:
    """The entity, and the part unless the topic asks for the whole thing."""
    yield Component(subtopic.subtopic_id, "entity", spec.entity.format(entity=names[subtopic.entity_id]))
    if subtopic.topic.kind != "entity":
        yield Component(subtopic.subtopic_id, "part", spec.part.format(part=subtopic.topic.part))
