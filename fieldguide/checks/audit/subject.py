"""What is audited: a collection with what else was given, and views of it that several checks need."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from fieldguide.checks.audit.reported import Reported
from fieldguide.checks.audit.taxonomy import Taxon, folder_of, parse_folder
from fieldguide.core.english import words
from fieldguide.formats.collection import PublishedBenchmark, PublishedPool, PublishedQuestion

_SPACE = re.compile(r"\s+")
_LONGEST = 5_000
"""Characters of a question or an answer that are looked at."""


class Passage(NamedTuple):
    """A text that people or models read: a question or one of its answers."""

    where: str
    part: Literal["question", "answer"]
    text: str


@dataclass(frozen=True, eq=False)
class AuditSubject:
    """A collection and what else was given to the audit.

    Attributes:
        prompts: text of prompt files by their name.
        images: folder that holds the images under the names of the collection.
        scores: scores that were reported on this collection.
        home: the folder that the benchmark was read from, with a slash at the end, as places begin with it.
    """

    collection: PublishedBenchmark
    prompts: Mapping[str, str] = field(default_factory=dict)
    images: Path | None = None
    scores: tuple[Reported, ...] = ()
    home: str = ""

    def has(self, need: str | None) -> bool:
        """Whether the input that a check needs was given."""
        given = {"prompts": bool(self.prompts), "images": self.images is not None, "scores": bool(self.scores)}
        return need is None or given[need]

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """Every question and answer in the file's order, each as far as a reader would read it."""
        return tuple(passage._replace(text=passage.text[:_LONGEST]) for passage in self._passages())

    def _passages(self) -> Iterator[Passage]:
        for question in self.collection.questions:
            yield Passage(question.where, "question", question.text)
            for answer in question.answers:
                yield Passage(question.where, "answer", answer)

    @cached_property
    def name_words(self) -> frozenset[str]:
        """Words of the names of entities and of image folders, in lower case: they are names, not spelling."""
        folders = {f for pool in self.collection.pools for f in self.folders(pool)}
        named = {pool.entity for pool in self.collection.pools if pool.entity}
        return frozenset(w.casefold() for name in folders | named for w in words(name))

    def folder(self, image: str) -> str | None:
        """What an image is said to show: by the collection, else by the folder it lies in."""
        return self.collection.entities.get(image) or folder_of(image)

    def folders(self, pool: PublishedPool) -> dict[str, int]:
        """How many of a pool's images lie in each folder."""
        return self._folders[pool.subtopic_id]

    @cached_property
    def _folders(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for pool in self.collection.pools:
            found[pool.subtopic_id].update(filter(None, map(self.folder, pool.labels)))
        return found

    def shown(self, pool: PublishedPool) -> str | None:
        """The one entity that all images of a pool are said to show, or None: several, or nothing is said."""
        folders = self.folders(pool)
        if len(folders) == 1 and sum(folders.values()) == len(pool.labels):
            return next(iter(folders))
        return None

    def taxon(self, pool: PublishedPool) -> Taxon | None:
        """The taxon that all images of a pool show; None if they show several, or none is named."""
        shown = self.shown(pool)
        return parse_folder(shown) if shown else None

    def name(self, pool: PublishedPool) -> str | None:
        """What the pool shows, for people: binomial, the file's name of the entity, or the folder's."""
        taxon = self.taxon(pool)
        if taxon:
            return taxon.name
        return pool.entity or self.shown(pool)

    @cached_property
    def bare(self) -> bool:
        """Whether no question has a text: labels alone, as TREC's and BEIR's files of qrels are."""
        return not any(question.text.strip() for question in self.collection.questions)

    @cached_property
    def positives_only(self) -> bool:
        """Whether nothing but relevant images is listed: what is ranked is more than any pool."""
        labels = [label for pool in self.collection.pools for label in pool.labels.values()]
        return any(label is not None for label in labels) and all(label is None or label > 0 for label in labels)

    @property
    def labels_apart(self) -> bool:
        """Whether the format keeps labels apart from questions, so that questions without any are nothing odd."""
        return self.collection.format in {"beir", "trec"}

    @cached_property
    def compared(self) -> tuple[PublishedQuestion, ...]:
        """Questions with two or more pools."""
        return tuple(question for question in self.collection.questions if len(question.pools) > 1)


def normalised(text: str) -> str:
    """Text for comparing: lower case, one space between words, no punctuation."""
    return " ".join(re.findall(r"\w+", _SPACE.sub(" ", text).casefold()))
