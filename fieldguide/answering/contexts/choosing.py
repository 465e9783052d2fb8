"""Contexts: what is shown for a topic, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from fieldguide.answering.contexts.material import Material
from fieldguide.answering.question import Question, Shown, ShownEntity
from fieldguide.answering.section import Answer, ContextName
from fieldguide.core.files import content_key
from fieldguide.records.topics import Subtopic, Topic

Chosen = Sequence[Sequence[Shown]]
"""What is shown for each entity of a topic."""
GOLD_ORDERS = ("gold-first", "gold-middle", "gold-last")


class NothingToShowError(Exception):
    """A topic for which a context has nothing to show; the words say what is missing."""


@dataclass(frozen=True)
class Context:
    """One way to choose what is shown: by `name` of ContextName, or the best `k` that a system found."""

    name: str
    system: str | None = None
    track: str | None = None
    k: int = 0

    @property
    def orders(self) -> tuple[str, ...]:
        """Orders of its own beside those of params.yaml."""
        return GOLD_ORDERS if self.name == "gold-among" else ()


def contexts(section: Answer) -> list[Context]:
    """All that params.yaml asks for: the chosen ones, then what each system found."""
    chosen = [Context(name) for name in section.contexts]
    found = [
        Context(f"{system}@{k} {track}", system, track, k)
        for system in section.systems
        for track in section.tracks
        for k in section.k
    ]
    return chosen + found


def orders(section: Answer, context: Context) -> list[str]:
    """In which orders a context is shown; what shows nothing has one."""
    return ["ranked"] if context.name == "none" else [*section.orders, *context.orders]


class Chooser:
    """Chooses what is shown. The same seed chooses the same, whatever else is asked."""

    def __init__(self, material: Material, section: Answer) -> None:
        self.material, self.section = material, section
        self._found: dict[tuple[str, str], Mapping[str, list[str]]] = {}

    def missing(self, context: Context) -> str | None:
        """Why a context cannot be shown at all in this benchmark; None where it can."""
        if context.name == "drawings" and not any(self.material.drawings.values()):
            return "there are no drawings (visualize.generator)"
        if context.name == "captions" and not self.material.captions:
            return "there are no captions (caption.captioner)"
        return None

    def questions(self, topic: Topic, context: Context, orders: Sequence[str]) -> Iterator[Question]:
        """The topic with what is shown, in each order.

        Raises:
            NothingToShowError: there is nothing to show for one of its entities.
        """
        names, chosen = self.material.names, self._chosen(topic, context)
        for order in orders:
            entities = [
                ShownEntity(s.subtopic_id, s.entity_id, names.get(s.entity_id, [s.entity_id])[0], tuple(shown))
                for s, shown in zip(topic.subtopics, self._ordered(chosen, order, topic), strict=True)
            ]
            shown = tuple(reversed(entities) if order == "exchanged" else entities)
            yield Question(topic, shown, self.section.preset)

    def _chosen(self, topic: Topic, context: Context) -> Chosen:
        if context.system is not None and context.track is not None:
            found = self._runs(context.system, context.track)
            return [self._images(found.get(s.subtopic_id, [])[: context.k], s) for s in topic.subtopics]
        chosen = self._ways[context.name](topic)  # type: ignore[index]
        if context.name == "none":
            return chosen
        lacking = [s.entity_id for s, shown in zip(topic.subtopics, chosen, strict=True) if not shown]
        if lacking:
            raise NothingToShowError(f"nothing to show as {context.name} for {', '.join(lacking)}")
        return chosen

    @cached_property
    def _ways(self) -> Mapping[ContextName, Callable[[Topic], Chosen]]:
        return {
            "none": lambda topic: [()] * len(topic.entities),
            "gold": self._gold,
            "negatives": lambda topic: [self._negatives(s) for s in topic.subtopics],
            "others": lambda topic: [self._others(s, self.section.images) for s in topic.subtopics],
            "gold-among": self._gold_among,
            "distractors": lambda topic: [self._distractors(s) for s in topic.subtopics],
            "swapped": self._swapped,
            "captions": self._captions,
            "drawings": self._drawings,
        }

    def _gold(self, topic: Topic) -> Chosen:
        return [self._images(self._gold_ids(s, self.section.images), s) for s in topic.subtopics]

    def _gold_ids(self, subtopic: Subtopic, count: int) -> list[str]:
        return self._draw(self.material.relevant.get(subtopic.subtopic_id, []), "gold", subtopic, count)

    def _negatives(self, subtopic: Subtopic) -> list[Shown]:
        ids, gallery = self.material.not_relevant.get(subtopic.subtopic_id, []), self.material.gallery
        own = [image for image in ids if gallery.get(image) == subtopic.entity_id]
        return self._images(self._draw(own or ids, "negatives", subtopic, self.section.images), subtopic)

    def _others(self, subtopic: Subtopic, count: int) -> list[Shown]:
        drawn = self._unrelated(self.material.labelled, "others", subtopic, count)
        return drawn or self._unrelated(self.material.images, "others", subtopic, count)

    def _distractors(self, subtopic: Subtopic) -> list[Shown]:
        return self._unrelated(self.material.images, "distractors", subtopic, self.section.distractors)

    def _unrelated(self, ids: Sequence[str], what: str, subtopic: Subtopic, count: int) -> list[Shown]:
        """Up to `count` images, at random, that are not relevant and show no entity that the question names."""
        named, gallery = set(subtopic.topic.entities), self.material.gallery
        drawn = (ids[place] for place in _shuffled(len(ids), self._rng(what, subtopic.subtopic_id)))
        fitting = (
            i for i in drawn if gallery[i] not in named and not self.material.is_relevant(i, subtopic.subtopic_id)
        )
        return self._images(list(islice(fitting, count)), subtopic)

    def _gold_among(self, topic: Topic) -> Chosen:
        """The relevant image first; the orders move it."""
        return [
            [*gold, *self._distractors(s)] if gold else []
            for s, gold in ((s, self._images(self._gold_ids(s, 1), s)) for s in topic.subtopics)
        ]

    def _swapped(self, topic: Topic) -> Chosen:
        if len(topic.entities) < 2:
            raise NothingToShowError("one entity cannot be exchanged for another")
        subtopics = topic.subtopics
        return [
            self._images(self._gold_ids(other, self.section.images), own)
            for own, other in zip(subtopics, [*subtopics[1:], subtopics[0]], strict=True)
        ]

    def _captions(self, topic: Topic) -> Chosen:
        return [self._told(subtopic) for subtopic in topic.subtopics]

    def _told(self, subtopic: Subtopic) -> list[Shown]:
        gold = self._gold_ids(subtopic, self.section.images)
        return [self.material.caption(i, subtopic.subtopic_id) for i in gold if i in self.material.captions]

    def _drawings(self, topic: Topic) -> Chosen:
        drawn = self.material.drawings
        return [
            [self.material.drawing(d) for d in drawn.get(s.subtopic_id, [])[: self.section.images]]
            for s in topic.subtopics
        ]

    def _ordered(self, chosen: Chosen, order: str, topic: Topic) -> Iterator[Sequence[Shown]]:
        for place, shown in enumerate(chosen):
            if order == "reversed":
                yield shown[::-1]
            elif order == "shuffled":
                rng = self._rng("shuffled", f"{topic.topic_id}.{place}")
                yield [shown[n] for n in rng.permutation(len(shown)).tolist()]
            elif order in GOLD_ORDERS:
                gold, rest = shown[0], list(shown[1:])
                rest.insert({"gold-first": 0, "gold-middle": (len(rest) + 1) // 2, "gold-last": len(rest)}[order], gold)
                yield rest
            else:
                yield shown

    def _images(self, ids: Sequence[str], subtopic: Subtopic) -> list[Shown]:
        return [self.material.image(image, subtopic.subtopic_id) for image in ids]

    def _draw(self, ids: Sequence[str], what: str, subtopic: Subtopic, count: int) -> list[str]:
        """Up to `count` of some images, at random; fewer are the first of more."""
        drawn = self._rng(what, subtopic.subtopic_id).permutation(len(ids))[:count]
        return [ids[place] for place in drawn.tolist()]

    def _rng(self, what: str, of: str) -> np.random.Generator:
        return np.random.default_rng(int(content_key(seed=self.section.seed, what=what, of=of)[:16], 16))

    def _runs(self, system: str, track: str) -> Mapping[str, list[str]]:
        if (system, track) not in self._found:
            self._found[system, track] = self.material.found(system, track, max(self.section.k))
        return self._found[system, track]


def _shuffled(size: int, rng: np.random.Generator) -> Iterator[int]:
    """0 to `size` - 1 in a random order, each drawn when it is asked for: a gallery is not gone through for a few.

    Fisher and Yates' shuffle, of which only the places that were exchanged are kept.
    """
    moved: dict[int, int] = {}
    for place in range(size):
        other = int(rng.integers(place, size))
        yield moved.get(other, other)
        moved[other] = moved.get(place, place)
