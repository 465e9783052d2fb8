"""A published benchmark as it is: every question, pool and label in the file's own order, with the place of each.

Nothing is mended here. What a reader had to decide about (a key that occurs twice, a label that is no number) is
kept as an `Oddity`, so that an audit can name it and an import can refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that the reader of a file met and that a column-wise reader would drop, or take as something else.

    `kind` is a key of `oddities.KINDS`, which says what each means and whether an import can go on.
    """

    where: str
    kind: str
    detail: str


@dataclass(frozen=True)
class Pool:
    """The images of one subtopic.

    Attributes:
        subtopic_id: topic_id and the pool's number from 1, `t0007.e2`.
        name: the pool's key in the file, such as `entity_1`.
        entity: what it is said to show, as the file says it; None where the file names none.
        labels: label by image as published, in the file's order; None: not judged.
        where: file, line and key.
    """

    subtopic_id: str
    name: str
    entity: str | None
    labels: Mapping[str, int | None]
    where: str = field(compare=False)

    @cached_property
    def relevant(self) -> tuple[str, ...]:
        """Images with a label above 0, in the file's order."""
        return tuple(image for image, label in self.labels.items() if label is not None and label > 0)


@dataclass(frozen=True)
class Question:
    """One topic as published.

    Attributes:
        topic_id: stable name; of files without one it is made from the place in the file, from 1 (`t0001`).
        text: the question or query, unchanged.
        answers: reference answers, unchanged.
        pools: one a subtopic.
        fields: every other field of the record, unchanged; together with the rest it gives the record back.
        where: file and line, or key.
        keys: the record's keys in the file's order, those of text, answers and pools among them; empty where the
            format has no records with keys.
    """

    topic_id: str
    text: str
    answers: tuple[str, ...]
    pools: tuple[Pool, ...]
    fields: Mapping[str, Any]
    where: str = field(compare=False)
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collection:
    """A whole benchmark.

    Attributes:
        name: of the benchmark, for people.
        format: name of the importer that read it.
        questions: in the file's order.
        oddities: what the reader noticed.
        roots: how a picture is named in the file: where images lie relative to, if known (for the manifest).
        layout: how the files were written (indent, escapes, file names, ...), as JSON, so that a writer can give
            them back byte by byte; the format's own.
        corpus: what the files say of each image they list, judged or not; empty where they list none.
        entities: what an image shows, by its name, where that is known apart from the name; else empty.
    """

    name: str
    format: str
    questions: tuple[Question, ...]
    oddities: tuple[Oddity, ...] = ()
    roots: Mapping[str, str] = field(default_factory=dict)
    layout: Mapping[str, Any] = field(default_factory=dict)
    corpus: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entities: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def pools(self) -> tuple[Pool, ...]:
        """Every subtopic."""
        return tuple(pool for question in self.questions for pool in question.pools)

    @cached_property
    def images(self) -> tuple[str, ...]:
        """Every image's published name once: those of the corpus, then those of the pools, in the files' order."""
        pooled = (image for pool in self.pools for image in pool.labels)
        return tuple(dict.fromkeys([*self.corpus, *pooled]))

    @cached_property
    def qrels(self) -> dict[str, dict[str, int]]:
        """Judged labels by subtopic and image, as trec_eval wants them."""
        return {p.subtopic_id: {i: v for i, v in p.labels.items() if v is not None} for p in self.pools}
