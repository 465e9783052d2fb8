"""What probed systems read: the same gallery, changed questions, and drawings and vectors of the old and the new texts.

All drawings and vectors lie in one place, so that a domain's mean (Centring) is the same whichever way a question is
put: what moves a ranking is then the question alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fieldguide.core.paths import Paths, RelativePath
from fieldguide.core.progress import Track, silent
from fieldguide.corpus.store.items import drawing_items, text_items, word_items
from fieldguide.evaluation.probing.altering import (
    ALTERATIONS,
    Alteration,
    Entities,
    NotApplicableError,
    ProbedTopic,
    alter,
)
from fieldguide.models.loading.protocols import Encoder, Generator
from fieldguide.queries.visuals.drawing.drawings import draw_all
from fieldguide.queries.visuals.drawing.section import Visualize
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.embeddings import Dtype
from fieldguide.records.knowledge import ENTITIES
from fieldguide.records.topics import (
    Component,
    Phrase,
    Topic,
    read_components,
    read_phrases,
    read_topics,
    write_records,
)
from fieldguide.retrieval.encoding.encode import encode

UNCHANGED = "unchanged"


@dataclass(frozen=True)
class ProbePaths(Paths):
    """Paths of a benchmark whose questions are those of one probe; all other files are the benchmark's own."""

    probe: str = UNCHANGED

    topics = RelativePath("data/probes/{probe}/topics.jsonl")
    """Questions of this probe."""
    phrases = RelativePath("data/probes/{probe}/phrases.jsonl")
    """Phrases of this probe."""
    components = RelativePath("data/probes/{probe}/components.jsonl")
    """Components of this probe."""
    drawings = RelativePath("data/probes/drawings/drawings.parquet")
    """Drawings of all phrases, changed or not."""

    def queries(self, encoder: str) -> Path:
        """Vectors of all texts and drawings, changed or not."""
        return self.data / "probes" / "queries" / encoder


@dataclass
class Probes:
    """The questions that are asked: unchanged, and in each way in which they can be changed.

    `skipped` holds (alteration, topic_id, reason).
    """

    asked: dict[str, list[ProbedTopic]]
    skipped: list[tuple[Alteration, str, str]] = field(default_factory=list)


def choose(paths: Paths, topics: int, seed: int) -> Probes:
    """Draw comparison topics, and change each in every way that it admits."""
    entities = _entities(paths)
    sample = _sample([topic for topic in read_topics(paths.topics) if topic.kind == "comparison"], topics, seed)
    phrases = {phrase.subtopic_id: phrase.text for phrase in read_phrases(paths.phrases)}
    components: dict[str, list[Component]] = {}
    for component in read_components(paths.components):
        components.setdefault(component.subtopic_id, []).append(component)
    probes = Probes({UNCHANGED: [], **{alteration: [] for alteration in ALTERATIONS}})
    for topic in sample:
        keys = [subtopic.subtopic_id for subtopic in topic.subtopics]
        asked = ProbedTopic(topic, {key: phrases[key] for key in keys}, {key: components[key] for key in keys})
        probes.asked[UNCHANGED].append(asked)
        for alteration in ALTERATIONS:
            try:
                probes.asked[alteration].append(alter(asked, alteration, entities, seed))
            except NotApplicableError as error:
                probes.skipped.append((alteration, topic.topic_id, str(error)))
    return probes


def changed_phrases(probes: Probes) -> list[Phrase]:
    """Phrases of all changed questions."""
    return [p for probe, asked in probes.asked.items() if probe != UNCHANGED for p in _phrases(asked, probe)]


def write_worlds(root: Path, probes: Probes) -> dict[str, ProbePaths]:
    """Write topics, phrases and components of each probe below data/probes/."""
    worlds = {probe: ProbePaths(root, probe) for probe in probes.asked}
    for probe, world in worlds.items():
        asked = sorted(probes.asked[probe], key=lambda one: one.topic.topic_id)
        write_records(world.topics, [one.topic for one in asked])
        write_records(world.phrases, list(_phrases(asked, probe)))
        write_records(world.components, [c for one in asked for parts in one.components.values() for c in parts])
    return worlds


def draw_worlds(
    paths: Paths, worlds: Mapping[str, ProbePaths], values: Visualize, generator: Generator, track: Track = silent
) -> str:
    """Draw the phrases of the benchmark and of all probes; returns counts. What was drawn before is not drawn again."""
    phrases = [*read_phrases(paths.phrases), *(p for world in worlds.values() for p in read_phrases(world.phrases))]
    return str(draw_all(phrases, values, generator, worlds[UNCHANGED], track))


def encode_worlds(
    paths: Paths, worlds: Mapping[str, ProbePaths], encoder: Encoder, dtype: Dtype, batch: int, track: Track = silent
) -> int:
    """Encode texts and drawings of the benchmark and of all probes; returns how many were new."""
    world, every = worlds[UNCHANGED], [paths, *worlds.values()]
    items = []
    if "text" in encoder.modalities:
        texts = text_items(
            [topic for one in every for topic in read_topics(one.topics)],
            [phrase for one in every for phrase in read_phrases(one.phrases)],
        )
        items += texts + word_items("component", (c.text for one in every for c in read_components(one.components)))
    if "image" in encoder.modalities and world.drawings.exists():
        items += drawing_items(DRAWINGS.read(world.drawings), world)
    return encode(
        items,
        encoder,
        world.queries(encoder.name),
        paths.cache / "embeddings",
        dtype=dtype,
        batch=batch,
        track=track,
    ).encoded


def _phrases(asked: Sequence[ProbedTopic], probe: str) -> Iterator[Phrase]:
    for one in asked:
        for key, text in one.phrases.items():
            yield Phrase(key, text, f"probe:{probe}")


def _sample(topics: Sequence[Topic], count: int, seed: int) -> list[Topic]:
    ordered = sorted(topics, key=lambda topic: topic.topic_id)
    chosen = np.random.default_rng(seed).permutation(len(ordered))[:count]
    return [ordered[n] for n in sorted(chosen.tolist())]


def _entities(paths: Paths) -> Entities:
    table = ENTITIES.read(paths.entities)
    ids = list(table["entity_id"])
    return Entities(dict(zip(ids, table["name"], strict=True)), dict(zip(ids, table["taxonomy"], strict=True)))
