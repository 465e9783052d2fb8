"""The tables that leave the house, as frames for the suites."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import pandas as pd

from fieldguide.core.files import read_json
from fieldguide.core.paths import Paths
from fieldguide.records.drawings import DRAWINGS
from fieldguide.records.images import DUPLICATES, IMAGES
from fieldguide.records.judgments import POOLS, QRELS
from fieldguide.records.knowledge import ATTRIBUTES, ENTITIES, GROUPS
from fieldguide.records.runs import TRACKS, read_run
from fieldguide.records.topics import Phrase, Topic, read_phrases, read_topics


@dataclass(frozen=True)
class Tables:
    """All tables of a benchmark, each read (and so validated) when it is first asked for."""

    paths: Paths
    systems: tuple[str, ...]

    @cached_property
    def parquet(self) -> dict[str, pd.DataFrame]:
        """The Parquet tables that leave the house, by name."""
        p = self.paths
        places = (
            (IMAGES, p.images), (DUPLICATES, p.duplicates), (ENTITIES, p.entities), (ATTRIBUTES, p.attributes),
            (GROUPS, p.groups), (DRAWINGS, p.drawings), (POOLS, p.pools), (QRELS, p.qrels / "qrels.parquet"),
        )  # fmt: skip
        return {table.name: table.read(path) for table, path in places}

    @cached_property
    def topics(self) -> pd.DataFrame:
        """One row a topic, with the fields of Topic."""
        rows = [asdict(topic) | {"entities": list(topic.entities)} for topic in read_topics(self.paths.topics)]
        return _frame(rows, Topic)

    @cached_property
    def subtopics(self) -> pd.DataFrame:
        """One row a subtopic: subtopic_id, topic_id, entity_id, feature, kind."""
        rows = [
            (subtopic.subtopic_id, topic.topic_id, subtopic.entity_id, topic.feature, topic.kind)
            for topic in read_topics(self.paths.topics)
            for subtopic in topic.subtopics
        ]
        return pd.DataFrame(rows, columns=["subtopic_id", "topic_id", "entity_id", "feature", "kind"], dtype=object)

    @cached_property
    def phrases(self) -> pd.DataFrame:
        """One row a phrase, with the fields of Phrase."""
        return _frame([asdict(phrase) for phrase in read_phrases(self.paths.phrases)], Phrase)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """All runs, one under the other; `file` is the system that the file's name says."""
        frames = [
            read_run(self.paths.run(track, system)).assign(track=track, file=system)
            for track in TRACKS
            for system in self.systems
        ]
        return pd.concat(frames, ignore_index=True).astype({"subtopic_id": object, "image_id": object})

    @cached_property
    def grades(self) -> set[int]:
        """Grades that grades.json defines."""
        return {int(key) for key in read_json(self.paths.qrels / "grades.json") if key.isdigit()}


def _frame(rows: list[dict[str, Any]], record: type[Topic | Phrase]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[field.name for field in fields(record)], dtype=object)
