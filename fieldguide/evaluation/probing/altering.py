"""Changing a question: what systems must notice, and what a bag of words cannot (after ARO, arXiv 2210.01936)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal, get_args

import numpy as np

from fieldguide.core.english import stem, stems, with_article
from fieldguide.core.files import content_key
from fieldguide.queries.rewriting.rewriting import ENTITY_PHRASE
from fieldguide.records.topics import Component, Topic

Alteration = Literal["swap", "shuffle", "drop", "relative"]
ALTERATIONS: tuple[Alteration, ...] = get_args(Alteration)
_WORD = re.compile(r"[^\W\d_]+")


class NotApplicableError(ValueError):
    """A topic cannot be changed in this way; says why."""


@dataclass(frozen=True)
class ProbedTopic:
    """A comparison topic with what its subtopics are searched for by: phrases and components by subtopic_id."""

    topic: Topic
    phrases: Mapping[str, str]
    components: Mapping[str, Sequence[Component]]


@dataclass(frozen=True)
class Entities:
    """What entities are called, and where they stand: name and taxonomy path by entity_id."""

    names: Mapping[str, str]
    taxonomy: Mapping[str, Sequence[str]]

    def relatives(self, of: Sequence[str]) -> dict[str, str]:
        """For each entity the nearest other one that is not among `of`: the longest common path, then the least id.

        Raises:
            NotApplicableError: there are too few others.
        """
        free, found = sorted(set(self.names) - set(of)), {}
        for entity in of:
            if not free:
                raise NotApplicableError("there are too few other entities")
            found[entity] = min(free, key=lambda other: (-self._common(entity, other), other))
            free.remove(found[entity])
        return found

    def _common(self, one: str, other: str) -> int:
        """How many ancestors they share, from the root."""
        steps = zip(self.taxonomy[one], self.taxonomy[other], strict=False)
        return sum(1 for _ in takewhile(lambda step: step[0] == step[1], steps))


def alter(asked: ProbedTopic, alteration: Alteration, entities: Entities, seed: int) -> ProbedTopic:
    """A topic with its ids, entities and right answers as they were, and its texts changed.

    `swap`: the first two entities change places, in the question and, each taking the other's, in the phrases.
    `shuffle`: the words of every text in another order. `drop`: the question loses the words of feature, part and
    values, phrases name the entity alone. `relative`: every entity is called by the name of a near relative that was
    not asked about.

    Raises:
        NotApplicableError: a text does not hold what would be changed.
    """
    if alteration == "shuffle":
        return _everywhere(asked, lambda text: shuffled(text, seed))
    if alteration == "drop":
        return _drop(asked, entities)
    if alteration == "swap":
        first, second = asked.topic.entities[:2]
        return _rename(asked, {first: second, second: first}, entities)
    return _rename(asked, entities.relatives(asked.topic.entities), entities)


def shuffled(text: str, seed: int) -> str:
    """The words of a text in another order, which depends on text and seed alone.

    Raises:
        NotApplicableError: it has fewer than two different words.
    """
    words = text.split()
    if len(set(words)) < 2:
        raise NotApplicableError(f"{text!r} has one order only")
    rng = np.random.default_rng(int(content_key(seed=seed, text=text)[:16], 16))
    while (order := [words[n] for n in rng.permutation(len(words))]) == words:
        pass
    return " ".join(order)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A text with each name in the place of another, all at once, and the article that goes with it.

    Raises:
        NotApplicableError: one of the names is not in the text.
    """
    for name in names:
        if not re.search(rf"\b{re.escape(name)}\b", text):
            raise NotApplicableError(f"{text!r} does not name {name!r}")
    # Longer names first: one may hold another.
    choices = "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))

    def other(match: re.Match[str]) -> str:
        article, name = match.group(1), names[match.group(2)]
        if article is None:
            return name
        worded = with_article(name)
        return worded[0].upper() + worded[1:] if article[0].isupper() else worded

    return re.sub(rf"(?:\b([Aa]n?)\s+)?\b({choices})\b", other, text)


def without(text: str, dropped: set[str], kept: Sequence[str]) -> str:
    """A text without the words of these stems, and the articles before them; names in `kept` stay whole.

    Raises:
        NotApplicableError: it holds none of them.
    """
    choices = "|".join(re.escape(name) for name in sorted(kept, key=lambda name: (-len(name), name)))
    pieces = re.split(rf"(\b(?:{choices})\b)", text) if kept else [text]
    left = [piece if n % 2 else _drop_words(piece, dropped) for n, piece in enumerate(pieces)]
    if left == pieces:
        raise NotApplicableError(f"{text!r} says nothing of the feature")
    return re.sub(r"\s+([,:;.?!])", r"\1", " ".join("".join(left).split()))


def _drop_words(text: str, dropped: set[str]) -> str:
    """Runs of such words go together with one article before them."""
    marked = _WORD.sub(lambda match: "\0" if stem(match.group()) in dropped else match.group(), text)
    return re.sub(r"(?:\b(?:an?|the)\s+)?\0(?:[\s-]*\0)*", "", marked)


def _everywhere(asked: ProbedTopic, change: Callable[[str], str]) -> ProbedTopic:
    return ProbedTopic(
        replace(asked.topic, text=change(asked.topic.text)),
        {key: change(phrase) for key, phrase in asked.phrases.items()},
        {key: [replace(c, text=change(c.text)) for c in parts] for key, parts in asked.components.items()},
    )


def _rename(asked: ProbedTopic, others: Mapping[str, str], entities: Entities) -> ProbedTopic:
    """Each entity called by another's name; texts that belong to one entity change where that one does."""
    names = {entities.names[one]: entities.names[other] for one, other in others.items()}
    phrases, components = dict(asked.phrases), dict(asked.components)
    for subtopic in asked.topic.subtopics:
        if subtopic.entity_id not in others:
            continue
        key, own = subtopic.subtopic_id, entities.names[subtopic.entity_id]
        phrases[key] = renamed(asked.phrases[key], {own: names[own]})
        components[key] = [
            replace(c, text=renamed(c.text, {own: names[own]})) if c.about == "entity" else c
            for c in asked.components[key]
        ]
    return ProbedTopic(replace(asked.topic, text=renamed(asked.topic.text, names)), phrases, components)


def _drop(asked: ProbedTopic, entities: Entities) -> ProbedTopic:
    topic, names = asked.topic, [entities.names[entity] for entity in asked.topic.entities]
    dropped = set(stems(" ".join([topic.feature, topic.part, *topic.values.values()])))
    text = without(topic.text, dropped, names)
    phrases = {s.subtopic_id: ENTITY_PHRASE.format(entity=entities.names[s.entity_id]) for s in topic.subtopics}
    if phrases == asked.phrases:
        raise NotApplicableError("its phrases name the entity alone already")
    components = {key: [c for c in parts if c.about == "entity"] for key, parts in asked.components.items()}
    return ProbedTopic(replace(topic, text=text), phrases, components)
