"""Every table and record that leaves a stage, declared in one place.

A `Table` is a Parquet file's schema with its key; a record is one line of a JSONL file. Both are
checked when they are written and when they are read, so that a stage never meets input it does not
understand. `docs/data.md` shows where each file lies.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from fieldguide.errors import Problem, ProblemsError
from fieldguide.files import content_key, read_jsonl, write_jsonl
from fieldguide.tables import SCHEMA_VERSION, Column, Table

AGREEMENT_VERSION = 1
"""Of data/qrels/agreement.json, which annotation/summary.py writes and the report reads."""
FITNESS_VERSION = 1
"""Of data/evaluation/fitness.json, which fieldguide/evaluation/fitness/assess.py writes and the report reads."""
FIDELITY_VERSION = 1
"""Of data/evaluation/fidelity.json, which fieldguide/evaluation/fidelity.py writes and the report reads."""
PROBES_VERSION = 1
"""Of data/evaluation/probes.json, which fieldguide/evaluation/probes.py writes and the report reads."""
SEARCH_VERSION = 1
"""Of data/runs/search/SYSTEM.json, which fieldguide/retrieval/systems/searching.py writes and the report reads."""

Split = Literal["train", "gallery"]
SPLITS: tuple[str, ...] = ("train", "gallery")


_STR, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_STRS, _INTS = pa.list_(pa.string()), pa.list_(pa.int64())

REFUSED_IMAGE_REASONS = (
    "unreadable", "empty", "truncated", "animated", "oversized", "misnamed", "unsupported", "contradictory",
)  # fmt: skip

IMAGES = Table(
    "images",
    ("image_id",),
    (
        Column("image_id", _STR, "first 16 hex digits of sha256; stable for as long as the bytes are"),
        Column("sha256", _STR, "of the file's bytes as they were read"),
        Column("phash", _STR, "perceptual hash of the upright pixels, 64 bits as 16 hex digits"),
        Column("width", _INT, "pixels, after EXIF orientation"),
        Column("height", _INT, "pixels, after EXIF orientation"),
        Column("format", _STR, "as decoded: JPEG, PNG, WEBP, ..."),
        Column("entity_id", _STR, "the entity shown, if the source says so", nullable=True),
        Column("split", _STR, "train: models may learn from it; gallery: it is searched", allowed=SPLITS),
        Column("source", _STR, "name of the source in params.yaml"),
        Column("source_key", _STR, "the image's name inside its source (path, row, member)"),
        Column("licence", _STR, "SPDX identifier or words; null where the source states none", nullable=True),
        Column("attribution", _STR, "whom to name", nullable=True),
        Column("copies", _INT, "how many files had these bytes"),
        Column("near_duplicate_of", _STR, "image_id of the first image of its near-duplicate cluster", nullable=True),
        Column("shard", _STR, "file name of the tar that holds the bytes"),
        Column("offset", _INT, "of the bytes in the shard"),
        Column("size", _INT, "bytes"),
    ),
)

REJECTED = Table(
    "rejected",
    ("source", "source_key"),
    (
        Column("source", _STR, "name of the source in params.yaml"),
        Column("source_key", _STR, "the file's name inside its source"),
        Column("reason", _STR, "why it was refused", allowed=REFUSED_IMAGE_REASONS),
        Column("detail", _STR, "what was found"),
    ),
)

DUPLICATES = Table(
    "duplicates",
    ("image_id", "source", "source_key"),
    (
        Column("image_id", _STR, "the image that is kept"),
        Column("kind", _STR, "exact: same bytes; near: perceptual hashes close", allowed=("exact", "near")),
        Column("source", _STR, "source of the other one"),
        Column("source_key", _STR, "name of the other one inside its source"),
        Column("other_image_id", _STR, "image_id of the other one (the same for exact duplicates)"),
        Column("distance", _INT, "Hamming distance of the perceptual hashes, in bits"),
        Column("across_splits", _BOOL, "one is in train, the other in the gallery"),
    ),
)

ENTITIES = Table(
    "entities",
    ("entity_id",),
    (
        Column("entity_id", _STR, "slug"),
        Column("name", _STR, "as it is written in a question"),
        Column("aliases", _STRS, "other names"),
        Column("taxonomy", _STRS, "path from the root, the entity itself last"),
        Column("description", _STR, "a sentence or two about how it looks", nullable=True),
        Column("source", _STR, "where the description comes from"),
    ),
)

ATTRIBUTES = Table(
    "attributes",
    ("entity_id", "feature"),
    (
        Column("entity_id", _STR, "entity"),
        Column("feature", _STR, "what is asked for, such as `skin colour`"),
        Column("part", _STR, "where it shows, such as `skin`"),
        Column("value", _STR, "such as `green`"),
        Column("source", _STR, "wordnet, curated, ..."),
        Column("evidence", _STR, "the words or the reference the value was taken from"),
    ),
)

GROUPS = Table(
    "groups",
    ("group_id",),
    (
        Column("group_id", _STR, "entity ids joined by +"),
        Column("entities", _STRS, "2..n entity ids, sorted"),
        Column("score", _FLOAT, "0..1, weighted mean of the three below; greater is more confusable"),
        Column("taxonomic", _FLOAT, "0..1, share of the taxonomy path that is common"),
        Column("lexical", _FLOAT, "0..1, BM25 similarity of descriptions"),
        Column("visual", _FLOAT, "0..1, closeness of the class means in the image space"),
        Column("accepted", _BOOL, "goes on to composing"),
        Column("reason", _STR, "why it was accepted or refused, in words"),
    ),
)

DRAWINGS = Table(
    "drawings",
    ("drawing_id",),
    (
        Column("drawing_id", _STR, "sha256 of prompt with style, generator revision, seed, settings and references"),
        Column("prompt", _STR, "what was drawn, without visualize.style"),
        Column("purpose", _STR, "topic: a subtopic's phrase; generic: for centring", allowed=("topic", "generic")),
        Column("index", _INT, "0..k-1 among the drawings of this prompt"),
        Column("seed", _INT, "of this drawing"),
        Column("generator", _STR, "name in params.yaml"),
        Column("revision", _STR, "of the generator's weights and settings"),
        Column("status", _STR, "failed drawings have no bytes", allowed=("ok", "failed")),
        Column("reason", _STR, "why it failed", nullable=True),
        Column("shard", _STR, "file name of the tar that holds the bytes", nullable=True),
        Column("offset", _INT, "of the bytes in the shard", nullable=True),
        Column("size", _INT, "bytes", nullable=True),
    ),
)

CAPTIONS = Table(
    "captions",
    ("key",),
    (
        Column("kind", _STR, "a photograph of the gallery, or a drawing of a topic", allowed=("image", "drawing")),
        Column("key", _STR, "image_id or drawing_id"),
        Column("text", _STR, "the caption", nullable=True),
        Column("captioner", _STR, "name in params.yaml"),
        Column("revision", _STR, "of the captioner's weights and settings"),
        Column("status", _STR, "failed: there is no caption", allowed=("ok", "failed")),
        Column("reason", _STR, "why it failed", nullable=True),
    ),
)

RECOMPOSED = Table(
    "recomposed",
    ("subtopic_id", "drawing_id"),
    (
        Column("subtopic_id", _STR, "topic x entity"),
        Column("drawing_id", _STR, "a drawing of its phrase"),
        Column("text", _STR, "the drawing's caption, recomposed with the subtopic's text", nullable=True),
        Column("recomposer", _STR, "template, or chat:MODEL"),
        Column("status", _STR, "failed: there is no text", allowed=("ok", "failed")),
        Column("reason", _STR, "why it failed", nullable=True),
    ),
)

DRAWING_REFERENCES = Table(
    "drawing_references",
    ("drawing_id", "image_id"),
    (
        Column("drawing_id", _STR, "a drawing of records.DRAWINGS"),
        Column("image_id", _STR, "a photograph of the train split that the generator looked at"),
    ),
)

# What tells an image apart and where it is from: enough to rebuild the corpus from its sources.
_PUBLISHED = (
    "image_id", "sha256", "width", "height", "entity_id", "split", "source", "source_key", "licence", "attribution",
)  # fmt: skip

RELEASE_IMAGES = Table(
    "release_images",
    ("image_id",),
    (
        *(c for c in IMAGES.columns if c.name in _PUBLISHED),
        Column("archive", _STR, "tar under images/ that holds the bytes; null where none may be given", nullable=True),
    ),
)

EMBEDDING_KINDS = ("image", "question", "phrase", "expansion", "drawing", "caption", "recomposed", "component")

EMBEDDING_INDEX = Table(
    "embedding_index",
    ("kind", "key"),
    (
        Column("row", _INT, "row of vectors.npy, from 0; rows are sorted by (kind, key)"),
        Column("kind", _STR, "what the vector is of", allowed=EMBEDDING_KINDS),
        Column("key", _STR, "image_id, drawing_id, or the sha256 of a text"),
    ),
)

POOLS = Table(
    "pools",
    ("subtopic_id", "image_id"),
    (
        Column("subtopic_id", _STR, "topic x entity"),
        Column("image_id", _STR, "image to judge"),
        Column("systems", _STRS, "systems that ranked it within the pool depth, sorted"),
        Column("ranks", _INTS, "their ranks, from 1, in the order of `systems`"),
        Column("best_rank", _INT, "least of the ranks", nullable=True),
        Column("sampled", _BOOL, "drawn by the seeded random sample"),
    ),
)

QRELS = Table(
    "qrels",
    ("subtopic_id", "image_id"),
    (
        Column("subtopic_id", _STR, "topic x entity"),
        Column("image_id", _STR, "judged image"),
        Column("grade", _INT, "grade after adjudication, see grades.json"),
        Column("assessors", _STRS, "who judged, sorted"),
        Column("judgments", _INT, "how many current judgments"),
        Column("decided_by", _STR, "single, unanimous, majority, adjudicator, ..."),
    ),
)

SCORES = Table(
    "scores",
    ("track", "system", "subtopic_id", "measure"),
    (
        Column("track", _STR, "which images were ranked", allowed=("rerank", "fullrank")),
        Column("system", _STR, "name in params.yaml"),
        Column("topic_id", _STR, "topic of the subtopic"),
        Column("kind", _STR, "kind of the topic", allowed=("comparison", "entity")),
        Column("subtopic_id", _STR, "topic x entity"),
        Column("measure", _STR, "as ir-measures writes it"),
        Column("value", _FLOAT, "0..1"),
        Column("defaulted", _BOOL, "the run had no line for this subtopic, the value is the measure's default"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        IMAGES,
        REJECTED,
        DUPLICATES,
        ENTITIES,
        ATTRIBUTES,
        GROUPS,
        DRAWING_REFERENCES,
        DRAWINGS,
        CAPTIONS,
        RECOMPOSED,
        EMBEDDING_INDEX,
        POOLS,
        QRELS,
        RELEASE_IMAGES,
        SCORES,
    )
}

FORMS = ("which", "both", "truth", "which-not", "entity")


@dataclass(frozen=True)
class Topic:
    """One question about one or more entities (a line of topics.jsonl).

    `kind` is `comparison` (two or more entities) or `entity` (one: "What does X look like?").
    `answer` is the reference answer in words; `values` gives each entity's value of the feature.
    """

    topic_id: str
    kind: Literal["comparison", "entity"]
    form: str
    text: str
    entities: tuple[str, ...]
    feature: str
    part: str
    answer: str
    values: dict[str, str]
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def subtopics(self) -> tuple[Subtopic, ...]:
        """Topic x entity, numbered from 1 in the order the question names the entities."""
        return tuple(Subtopic(f"{self.topic_id}.e{n}", self, e) for n, e in enumerate(self.entities, 1))


@dataclass(frozen=True)
class Subtopic:
    """The unit of retrieval and of judging: one entity of one topic (`t3fa91c2e.e1`)."""

    subtopic_id: str
    topic: Topic
    entity_id: str


def topic_id(form: str, text: str, entities: Sequence[str], feature: str) -> str:
    """`t` and 8 hex digits of the sha256 of what is asked.

    Judgments hang on it: when questions are added or dropped, the others keep their identity.
    """
    return "t" + content_key(form=form, text=text, entities=list(entities), feature=feature)[:8]


@dataclass(frozen=True)
class Phrase:
    """A subtopic rewritten for drawing: entity and part, never the feature's value (a line of phrases.jsonl)."""

    subtopic_id: str
    text: str
    rewriter: str


@dataclass(frozen=True)
class Component:
    """A query about one thing that a subtopic asks for: its entity or the part (a line of components.jsonl)."""

    subtopic_id: str
    about: Literal["entity", "part"]
    text: str


@dataclass(frozen=True)
class Refusal:
    """Something composed that was not kept, with the reason (a line of refused.jsonl)."""

    what: str
    reason: str
    detail: str


@dataclass(frozen=True)
class RunLine:
    """One line of a run: TREC's six columns less the constant."""

    subtopic_id: str
    image_id: str
    rank: int
    score: float
    system: str


@dataclass(frozen=True)
class IndexRecall:
    """How well an index serves a system (of data/runs/search/SYSTEM.json).

    Attributes:
        kind: of the index.
        depth, recall: recall@depth, 0..1, of the index's shortlists beside exact search.
        shortlist: so many images a query.
        images: in the gallery.
        queries: over how many it was measured.
    """

    kind: str
    depth: int
    shortlist: int
    images: int
    queries: int
    recall: float

    def __str__(self) -> str:
        return (
            f"{self.kind} index: recall@{self.depth} {self.recall:.4f} of exact search over {self.queries} queries, "
            f"shortlists of {self.shortlist} of {self.images} images"
        )


def write_records(path: Path, records: Sequence[Any]) -> None:
    """Write dataclass records as JSONL, each with `schema_version`, atomically."""
    write_jsonl(path, ({**dataclasses.asdict(r), "schema_version": SCHEMA_VERSION} for r in records))


def read_topics(path: Path) -> list[Topic]:
    """Read topics.jsonl.

    Raises:
        ProblemsError: lines with missing or unknown fields, wrong types or duplicate ids; all of them.
    """
    topics = [
        dataclasses.replace(topic, entities=tuple(topic.entities)) for topic in _read_records(path, Topic)
    ]  # fmt: skip
    seen: set[str] = set()
    problems = []
    for topic in topics:
        if topic.topic_id in seen:
            problems.append(Problem(f"{path} {topic.topic_id}", "this topic_id occurs twice"))
        seen.add(topic.topic_id)
    if problems:
        raise ProblemsError(f"{path} is not a valid topics file:", problems)
    return topics


def read_phrases(path: Path) -> list[Phrase]:
    """Read phrases.jsonl. Raises ProblemsError as `read_topics` does."""
    return _read_records(path, Phrase)


def read_components(path: Path) -> list[Component]:
    """Read components.jsonl. Raises ProblemsError as `read_topics` does."""
    return _read_records(path, Component)


def read_refusals(path: Path) -> list[Refusal]:
    """Read refused.jsonl. Raises ProblemsError as `read_topics` does."""
    return _read_records(path, Refusal)


def _read_records(path: Path, record: type) -> list[Any]:
    fields = {f.name: f for f in dataclasses.fields(record)}
    required = {
        n for n, f in fields.items() if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    records, problems = [], []
    for number, row in read_jsonl(path):
        where = f"{path}:{number}"
        version = row.pop("schema_version", None)
        if version != SCHEMA_VERSION:
            problems.append(Problem(where, f"schema_version is {version!r}; expected {SCHEMA_VERSION}"))
        for name in sorted(required - set(row)):
            problems.append(Problem(where, f"`{name}` is missing"))
        for name in sorted(set(row) - set(fields)):
            problems.append(Problem(where, f"`{name}` is unknown; allowed: {', '.join(fields)}"))
        if required <= set(row) <= set(fields):
            records.append(record(**row))
    if problems:
        raise ProblemsError(f"{path} is not a valid {record.__name__.lower()} file:", problems)
    return records
