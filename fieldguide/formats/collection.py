"""A published benchmark as it is: every question, pool and label in the file's own order, with the place of each.

Nothing is mended here. What a reader had to decide about (a key that occurs twice, a label that is no number) is
kept as a `Deviation`, so that an audit can name it and an import can refuse it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fieldguide.formats.deviations import Deviation


@dataclass(frozen=True)
class PublishedPool:
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
class PublishedQuestion:
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
    pools: tuple[PublishedPool, ...]
    fields: Mapping[str, Any]
    where: str = field(compare=False)
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class PublishedBenchmark:
    """A whole benchmark.

    Attributes:
        name: of the benchmark, for people.
        format: name of the importer that read it.
        questions: in the file's order.
        deviations: what the reader noticed.
        roots: how a picture is named in the file: where images lie relative to, if known (for the manifest).
        corpus: what the files say of each image they list, judged or not; empty where they list none.
        entities: what an image shows, by its name, where that is known apart from the name; else empty.
        files: names of the files that were read, below the folder if it is one.
    """

    name: str
    format: str
    questions: tuple[PublishedQuestion, ...]
    deviations: tuple[Deviation, ...] = ()
    roots: Mapping[str, str] = field(default_factory=dict)
    corpus: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    entities: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = field(default=(), compare=False)

    @cached_property
    def pools(self) -> tuple[PublishedPool, ...]:
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
