"""The tables as they lie on the disk: read without validation, so that every expectation can speak."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fieldguide.core.errors import FieldguideError
from fieldguide.core.files import read_json
from fieldguide.core.paths import Paths
from fieldguide.core.tables import Column, Table
from fieldguide.params import Params
from fieldguide.records.runs import read_run
from fieldguide.records.topics import FORMS, read_phrases, read_topics

TRACKS = ("fullrank", "rerank")

_STR, _STRS, _DICT = pa.string(), pa.list_(pa.string()), pa.map_(pa.string(), pa.string())
TOPICS = Table(
    "topics",
    ("topic_id",),
    (
        Column("topic_id", _STR, "see topic_id"),
        Column("kind", _STR, "see Topic", allowed=("comparison", "entity")),
        Column("form", _STR, "form of the question", allowed=FORMS),
        *(Column(name, _STR, "see Topic") for name in ("text", "feature", "part", "answer")),
        Column("entities", _STRS, "in the order the question names them"),
        Column("values", _DICT, "the feature's value by entity"),
        Column("provenance", _DICT, "where the question comes from"),
    ),
)
PHRASES = Table(
    "phrases",
    ("subtopic_id",),
    tuple(Column(name, _STR, "see Phrase") for name in ("subtopic_id", "text", "rewriter")),
)


@dataclass(frozen=True)
class Tables:
    """All tables of a benchmark, each read when it is first asked for; columns have dtype object."""

    paths: Paths
    params: Params

    @cached_property
    def parquet(self) -> dict[str, pd.DataFrame]:
        """The Parquet tables that leave the house, by name."""
        p = self.paths
        paths = {
            "images": p.images, "rejected": p.rejected, "duplicates": p.duplicates, "entities": p.entities,
            "attributes": p.attributes, "groups": p.groups, "drawings": p.drawings, "pools": p.pools,
            "qrels": p.qrels / "qrels.parquet",
        }  # fmt: skip
        return {name: read_raw(path) for name, path in paths.items()}

    @cached_property
    def topics(self) -> pd.DataFrame:
        """Topics as a frame of TOPICS."""
        rows = [asdict(topic) | {"entities": list(topic.entities)} for topic in read_topics(self.paths.topics)]
        return TOPICS.frame(rows)

    @cached_property
    def subtopics(self) -> pd.DataFrame:
        """One row a subtopic: subtopic_id, topic_id, entity_id, feature, kind."""
        rows = [
            {
                "subtopic_id": subtopic.subtopic_id,
                "topic_id": topic.topic_id,
                "entity_id": subtopic.entity_id,
                "feature": topic.feature,
                "kind": topic.kind,
            }
            for topic in read_topics(self.paths.topics)
            for subtopic in topic.subtopics
        ]
        return pd.DataFrame(rows, columns=["subtopic_id", "topic_id", "entity_id", "feature", "kind"], dtype=object)

    @cached_property
    def phrases(self) -> pd.DataFrame:
        """Phrases as a frame of PHRASES."""
        return PHRASES.frame([asdict(phrase) for phrase in read_phrases(self.paths.phrases)])

    @cached_property
    def runs(self) -> pd.DataFrame:
        """All runs, one under the other; `file` is the system that the file's name says."""
        frames = [
            read_run(self.paths.run(track, system)).assign(track=track, file=system)
            for track in TRACKS
            for system in self.params.retrieve.systems
        ]
        return pd.concat(frames, ignore_index=True).astype({"subtopic_id": object, "image_id": object})

    @cached_property
    def grades(self) -> set[int]:
        """Grades that grades.json defines."""
        return {int(key) for key in read_json(self.paths.qrels / "grades.json") if key.isdigit()}


def read_raw(path: Path) -> pd.DataFrame:
    """A Parquet file's rows as Python values, without validation.

    Raises:
        FieldguideError: no such file, or not Parquet.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise FieldguideError(f"{path}: no such file; `dvc repro` makes it") from None
    except pa.ArrowInvalid as error:
        raise FieldguideError(f"{path}: not a Parquet file ({error})") from None
    return pd.DataFrame({name: pd.Series(table.column(name).to_pylist(), dtype=object) for name in table.column_names})
