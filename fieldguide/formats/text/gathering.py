"""From rows to questions: labels that come one a row are gathered by topic and pool, in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldguide.core.errors import Problem
from fieldguide.formats.collection import PublishedPool, PublishedQuestion
from fieldguide.formats.deviations import Deviation
from fieldguide.formats.labels import whole_number


@dataclass
class _Draft:
    text: str
    answers: tuple[str, ...]
    fields: Mapping[str, Any]
    where: str
    pools: dict[str, dict[str, int | None]] = field(default_factory=dict)
    entities: dict[str, str | None] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


@dataclass
class Gathering:
    """Topics and labels as they come; `questions` gives them in the order in which their topics came."""

    deviations: list[Deviation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _drafts: dict[str, _Draft] = field(default_factory=dict)

    def __contains__(self, topic_id: str) -> bool:
        return topic_id in self._drafts

    def topic(
        self, topic_id: str, text: str, where: str, fields: Mapping[str, Any], answers: tuple[str, ...] = ()
    ) -> None:
        """A topic; its id must be a name that a run file can hold, and must be new."""
        if topic_id.split() != [topic_id]:
            self.problems.append(Problem(where, f"topic id {topic_id!r}: it must not be empty or hold white space"))
        elif topic_id in self._drafts:
            before = self._drafts[topic_id].where
            self.problems.append(Problem(where, f"topic {topic_id!r} occurs twice, first at {before}"))
        else:
            self._drafts[topic_id] = _Draft(text, answers, fields, where)

    def known(self, topic_id: str, where: str) -> None:
        """Make sure of a topic that labels name: without a text it is noticed, once."""
        if topic_id not in self._drafts:
            self.topic(topic_id, "", where, {})
            self.deviations.append(Deviation(where, "no-text", f"topic {topic_id!r} has labels, but no text"))

    def pool(self, topic_id: str, name: str, where: str, entity: str | None = None) -> None:
        """A pool of a topic; the entity that it names first stands."""
        draft = self._drafts.get(topic_id)
        if draft is None or name in draft.pools:
            return
        draft.pools[name], draft.entities[name], draft.places[name] = {}, entity, where

    def label(self, topic_id: str, pool: str, image: str, label: str | int, where: str) -> None:
        """One label; text that is empty means not judged, other text that is no whole number is noticed."""
        draft = self._drafts.get(topic_id)
        if draft is None:
            return
        self.pool(topic_id, pool, where)
        labels = draft.pools[pool]
        value = whole_number(label) if isinstance(label, str) else label
        if value is None and label != "":
            what = f"label of {image!r} is {label!r}; expected a whole number"
            self.deviations.append(Deviation(where, "label", what))
        if not image.strip():
            self.deviations.append(Deviation(where, "empty-name", f"an image is named {image!r}"))
        if image in labels:
            what = f"{image!r} is labelled {labels[image]} before and {value} here; the last is taken"
            self.deviations.append(Deviation(where, "repeated-row", what))
        labels[image] = value

    def questions(self) -> tuple[PublishedQuestion, ...]:
        """Every topic, pools in the order in which their first labels came."""
        return tuple(
            PublishedQuestion(
                topic_id,
                draft.text,
                draft.answers,
                tuple(
                    PublishedPool(f"{topic_id}.e{number}", name, draft.entities[name], labels, draft.places[name])
                    for number, (name, labels) in enumerate(draft.pools.items(), 1)
                ),
                draft.fields,
                draft.where,
            )
            for topic_id, draft in self._drafts.items()
        )
