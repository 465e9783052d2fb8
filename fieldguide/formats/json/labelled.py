"""What the JSON benchmarks of this family share: records with a question, answers and labels by image."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.formats.collection import Collection, Oddity, Pool, Question
from fieldguide.formats.json.hostile_json import Object, brief, kind_of, oddities

GREATEST_LABEL = 2**31 - 1
"""trec_eval keeps a label as a C long; nobody publishes a greater one than fits in 32 bits."""

_WHOLE = re.compile(r"-?[0-9]+", re.ASCII)


@dataclass(frozen=True)
class Keys:
    """Which keys of a record hold the question, the images and, if the format has them, the answers and names."""

    text: str
    images: str
    answers: str | None = None
    names: str | None = None


@dataclass
class Record:
    """One record on its way to a `Question`: what was noticed is gathered here."""

    value: Mapping[str, Any]
    where: str
    keys: Keys
    noticed: list[Oddity] = field(default_factory=list)

    def notice(self, kind: str, detail: str, key: str = "") -> None:
        """Keep an oddity, with the place inside the record."""
        self.noticed.append(Oddity(f"{self.where} {key}".rstrip(), kind, detail))

    def question(self, topic_id: str, pools: Sequence[Pool]) -> Question:
        """The record as a question; all that is not text, answers and pools goes to `fields` as it is."""
        keys = self.keys
        taken = {keys.images} if isinstance(self.value.get(keys.images), dict) else set()
        text = self.value.get(keys.text)
        if isinstance(text, str):
            taken.add(keys.text)
        else:
            self._lacks(keys.text, "text")
        answers = self._answers(taken)
        for name, value in self.value.items():
            if name != keys.images:
                self.noticed.extend(oddities(value, f"{self.where} {brief(name)}"))
        for name, dropped in getattr(self.value, "dropped", ()):
            what = f"{name!r} occurs twice: {brief(dropped)}, and last {brief(self.value[name])}, which is taken"
            self.notice("repeated-key", what)
        fields = {name: value for name, value in self.value.items() if name not in taken}
        shown = text if isinstance(text, str) else ""
        return Question(topic_id, shown, answers, tuple(pools), fields, self.where, tuple(self.value))

    def images(self) -> dict[str, Any]:
        """What the record holds under the key of the images; empty, and noticed, where it holds no object."""
        value = self.value.get(self.keys.images)
        if isinstance(value, dict):
            return value
        self._lacks(self.keys.images, "an object of labels by image")
        return {}

    def pool(self, subtopic_id: str, name: str, entity: str | None, published: Mapping[str, Any]) -> Pool:
        """Labels as they stand; one that is no whole number is noticed, and its image counts as not judged."""
        where = f"{self.where} {brief(name)}"
        labels: dict[str, int | None] = {}
        for image, label in published.items():
            labels[image] = label if _is_label(label) else None
            if not _is_label(label) and label is not None:
                what = f"label of {brief(image)} is {brief(label)} ({kind_of(label)}); expected a whole number"
                self.noticed.append(Oddity(where, "label", what))
            if not image.strip():
                self.noticed.append(Oddity(where, "empty-name", f"an image is named {image!r}"))
        for image, dropped in getattr(published, "dropped", ()):
            what = f"{image!r} is labelled {brief(dropped)} and again {brief(published[image])}; the last is taken"
            self.noticed.append(Oddity(where, "repeated-key", what))
        return Pool(subtopic_id, name, entity, labels, where)

    def names(self, count: int) -> list[str | None]:
        """The entities' names, one a pool; None for all where the record does not name as many as it has pools."""
        found = self.value.get(self.keys.names or "")
        names = [found] if isinstance(found, str) else found
        if isinstance(names, list) and len(names) == count and all(isinstance(name, str) for name in names):
            return list(names)
        if self.keys.names is not None:
            what = f"{brief(found)}: expected {count} names, one for each pool" if found is not None else "is missing"
            self.notice("wrong-type" if found is not None else "missing-field", what, self.keys.names)
        return [None] * count

    def _answers(self, taken: set[str]) -> tuple[str, ...]:
        key = self.keys.answers
        if key is None:
            return ()
        value = self.value.get(key)
        if isinstance(value, list) and all(isinstance(answer, str) for answer in value):
            taken.add(key)
            return tuple(value)
        self._lacks(key, "a list of texts")
        return (value,) if isinstance(value, str) else ()

    def _lacks(self, key: str, expected: str) -> None:
        if key in self.value:
            self.notice("wrong-type", f"is {brief(self.value[key])}; expected {expected}", key)
        else:
            self.notice("missing-field", f"`{key}` is missing; expected {expected}", key)


def published(question: Question, keys: Keys, images: Any, own_form: bool = True) -> dict[str, Any]:
    """The record as it was published: `Record.question` backwards.

    Args:
        question: as read, or as rebuilt from the house's tables.
        keys: of the format.
        images: what the format holds under the key of the images.
        own_form: the question was read in this format, so that its keys are this format's.
    """
    own: dict[str, Any] = {keys.text: question.text, keys.images: images}
    if keys.answers is not None:
        own[keys.answers] = list(question.answers)
    own |= question.fields
    return {key: own[key] for key in (question.keys if own_form else own)}


def only_labels(collection: Collection, question: Question) -> dict[str, int | None]:
    """Labels of a question's only pool, for formats that have one a question.

    Raises:
        FieldguideError: it has more.
    """
    if len(question.pools) > 1:
        what = f"{question.topic_id} has {len(question.pools)} pools, and this format holds one a question"
        raise FieldguideError(f"{collection.name}: {what}; export it as visual-rag-me, beir, trec or csv")
    return {image: label for pool in question.pools for image, label in pool.labels.items()}


def refuse_unjudged(collection: Collection) -> None:
    """Refuse pools with images that nobody judged, for formats that list judgments alone.

    Raises:
        FieldguideError: there is one.
    """
    unjudged = [pool.subtopic_id for pool in collection.pools if None in pool.labels.values()]
    if unjudged:
        what = f"{len(unjudged)} pools have images without a label, the first {unjudged[0]}"
        raise FieldguideError(f"{collection.name}: {what}; beir and trec cannot hold them: export it as csv")


def whole_number(text: str) -> int | None:
    """A label written as text; None where it is no whole number, or one that no label is."""
    if not _WHOLE.fullmatch(text) or len(text) > 11:
        return None
    value = int(text)
    return value if _is_label(value) else None


def as_record(value: Any, where: str, keys: Keys) -> Record:
    """A JSON value as a record.

    Raises:
        ValueError: it is no object.
    """
    if not isinstance(value, Object):
        raise ValueError(f"expected an object with {keys.text!r} and {keys.images!r}, found {brief(value)}")
    return Record(value, where, keys)


def _is_label(value: Any) -> bool:
    return type(value) is int and abs(value) <= GREATEST_LABEL
