"""One record of a labelled JSON file on its way to a question: what is kept, and what is noticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fieldguide.formats.collection import PublishedPool, PublishedQuestion
from fieldguide.formats.deviations import Deviation
from fieldguide.formats.json.layouts import JsonLayout
from fieldguide.formats.json.parsing import Object, brief, deviations, kind_of
from fieldguide.formats.labels import is_label


@dataclass
class Record:
    """One record on its way to a question: what was noticed is gathered here."""

    value: Mapping[str, Any]
    where: str
    layout: JsonLayout
    noticed: list[Deviation] = field(default_factory=list)

    def notice(self, kind: str, detail: str, key: str = "") -> None:
        """Keep a deviation, with the place inside the record."""
        self.noticed.append(Deviation(f"{self.where} {key}".rstrip(), kind, detail))

    def question(self, topic_id: str, pools: Sequence[PublishedPool]) -> PublishedQuestion:
        """The record as a question; all that is not text, answers and pools goes to `fields` as it is."""
        layout = self.layout
        taken = {layout.images} if isinstance(self.value.get(layout.images), dict) else set()
        text = self.value.get(layout.text)
        if isinstance(text, str):
            taken.add(layout.text)
        else:
            self._lacks(layout.text, "text")
        answers = self._answers(taken)
        for name, value in self.value.items():
            if name != layout.images:
                self.noticed.extend(deviations(value, f"{self.where} {brief(name)}"))
        for name, dropped in getattr(self.value, "dropped", ()):
            what = f"{name!r} occurs twice: {brief(dropped)}, and last {brief(self.value[name])}, which is taken"
            self.notice("repeated-key", what)
        fields = {name: value for name, value in self.value.items() if name not in taken}
        shown = text if isinstance(text, str) else ""
        return PublishedQuestion(topic_id, shown, answers, tuple(pools), fields, self.where, tuple(self.value))

    def images(self) -> dict[str, Any]:
        """What the record holds under the key of the images; empty, and noticed, where it holds no object."""
        value = self.value.get(self.layout.images)
        if isinstance(value, dict):
            return value
        self._lacks(self.layout.images, "an object of labels by image")
        return {}

    def pool(self, subtopic_id: str, name: str, entity: str | None, published: Mapping[str, Any]) -> PublishedPool:
        """Labels as they stand; one that is no whole number is noticed, and its image counts as not judged."""
        where = f"{self.where} {brief(name)}"
        labels: dict[str, int | None] = {}
        for image, label in published.items():
            labels[image] = label if is_label(label) else None
            if not is_label(label) and label is not None:
                what = f"label of {brief(image)} is {brief(label)} ({kind_of(label)}); expected a whole number"
                self.noticed.append(Deviation(where, "label", what))
            if not image.strip():
                self.noticed.append(Deviation(where, "empty-name", f"an image is named {image!r}"))
        for image, dropped in getattr(published, "dropped", ()):
            what = f"{image!r} is labelled {brief(dropped)} and again {brief(published[image])}; the last is taken"
            self.noticed.append(Deviation(where, "repeated-key", what))
        return PublishedPool(subtopic_id, name, entity, labels, where)

    def names(self, count: int) -> list[str | None]:
        """The entities' names, one a pool; None for all where the record does not name as many as it has pools."""
        found = self.value.get(self.layout.names or "")
        names = [found] if isinstance(found, str) else found
        if isinstance(names, list) and len(names) == count and all(isinstance(name, str) for name in names):
            return list(names)
        if self.layout.names is not None:
            what = f"{brief(found)}: expected {count} names, one for each pool" if found is not None else "is missing"
            self.notice("wrong-type" if found is not None else "missing-field", what, self.layout.names)
        return [None] * count

    def _answers(self, taken: set[str]) -> tuple[str, ...]:
        key = self.layout.answers
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


def as_record(value: Any, where: str, layout: JsonLayout) -> Record:
    """A JSON value as a record.

    Raises:
        ValueError: it is no object.
    """
    if not isinstance(value, Object):
        raise ValueError(f"expected an object with {layout.text!r} and {layout.images!r}, found {brief(value)}")
    return Record(value, where, layout)
