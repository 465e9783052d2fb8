"""The benchmark in miniature with questions that say which value they ask for, as composed ones do; and its parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from fieldguide.answering.answerers.registry import load_answerer
from fieldguide.answering.answerers.section import AnyAnswerer
from fieldguide.answering.asking import AskedTopics, LoadedAnswerer, Row, answer_rows
from fieldguide.answering.contexts.choosing import Chooser, Context
from fieldguide.answering.contexts.material import Material
from fieldguide.answering.question import Question, Shown, ShownEntity
from fieldguide.answering.scoring.judging import Judges
from fieldguide.answering.section import Answer
from fieldguide.core.files import sha256_bytes, write_tar
from fieldguide.core.paths import Paths
from fieldguide.corpus.store.items import Member
from fieldguide.params import Params
from fieldguide.records.topics import Topic, read_topics, write_records
from tests.builders import tiny_benchmark

_SECTION: TypeAdapter[Any] = TypeAdapter(AnyAnswerer)
# As tiny_topics words them.
ASKED = {
    "Are both apples red?": "red",
    "Do apple and satsuma have a skin?": "some",
    "Which apple is green?": "green",
    "Which is orange, apple or satsuma?": "orange",
}


def asking_benchmark(root: Path, params: Params | None = None) -> Paths:
    """`tiny_benchmark`, whose comparison questions carry the value that they ask for."""
    paths = tiny_benchmark(root, params)
    topics = [
        dataclasses.replace(topic, provenance={**topic.provenance, "asked": ASKED[topic.text]})
        if topic.text in ASKED
        else topic
        for topic in read_topics(paths.topics)
    ]
    write_records(paths.topics, topics)
    return paths


def section(**values: Any) -> Any:
    """A section of an answerer, as params.yaml would give it."""
    return _SECTION.validate_python(values)


def answerer(root: Path, **values: Any) -> Any:
    """The answerer of a section."""
    return load_answerer("it", section(**values), root)


def chooser(paths: Paths, **values: Any) -> Chooser:
    """What chooses, by a section of stage `answer`."""
    return Chooser(Material(paths), Answer.model_validate(values).settled)


def in_order(choosing: Chooser, topic: Topic, context: Context, order: str) -> Question:
    """What is shown in one order."""
    (question,) = choosing.questions(topic, context, [order])
    return question


def ask(
    paths: Paths, values: Mapping[str, Any], context: Context, judges: Judges | None = None, **answer: Any
) -> list[Row]:
    """Rows of one answerer in one context; `answer` are keys of the stage's section."""
    choosing = chooser(paths, **answer)
    asked = AskedTopics.of(choosing.material.topics, choosing.material.names, judges is not None)
    return answer_rows(LoadedAnswerer("it", section(**values), paths.root), context, choosing, asked, judges)


def topic(text: str, entities: Sequence[str], form: str = "which", answer: str = "", **other: Any) -> Topic:
    """A topic with that text; its topic_id is the text."""
    values = dict.fromkeys(entities, "x")
    return Topic(text, "comparison", form, text, tuple(entities), "skin colour", "skin", answer, values, **other)


def shown(folder: Path, *files: bytes) -> tuple[Shown, ...]:
    """Files as images of a shard in that folder."""
    names = [f"{sha256_bytes(data)[:16]}.png" for data in files]
    shard = folder / f"{sha256_bytes(b''.join(files))[:16]}.tar"
    placed = write_tar(shard, list(zip(names, files, strict=True)))
    members = [Member(shard, place.offset, place.size) for place in placed]
    pairs = zip(names, files, members, strict=True)
    return tuple(Shown("image", name[:16], sha256_bytes(data), member, True) for name, data, member in pairs)


def question(asked: Topic, *images: tuple[Shown, ...], preset: str | None = None) -> Question:
    """A question whose entities are called by their ids; `images` of each, none where they run out."""
    own = [*images, *[()] * len(asked.entities)]
    entities = [ShownEntity(s.subtopic_id, s.entity_id, s.entity_id, own[n]) for n, s in enumerate(asked.subtopics)]
    return Question(asked, tuple(entities), preset)
