"""What a question asks and what its answer is, whoever words it. Pure computation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fieldguide.core.english import stems
from fieldguide.core.files import content_key
from fieldguide.queries.wording.predicates import Predicate
from fieldguide.records.topics import Refusal, Topic, topic_id

YES, NO = "yes", "no"
# Forms that can be put where of two entities one always has more: "both" would be a riddle.
COMPARING = frozenset({"which", "truth"})
# Of the forms, those whose answer is one of the entities.
CHOOSING = frozenset({"which", "which-not"})


@dataclass(frozen=True)
class QuestionSubject:
    """A feature of a group: what a question can be about.

    `entities` are sorted; `values` and `sources` hold those entities of which the feature is known. `predicates`: how
    each value is said. `compared`: values are the greater and the lesser of two measures; `objection`: reason and
    detail of what is against asking for the feature at all.
    """

    group_id: str
    entities: tuple[str, ...]
    feature: str
    part: str
    values: Mapping[str, str]
    sources: Mapping[str, str]
    predicates: Mapping[str, Predicate]
    compared: bool = False
    objection: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.group_id} {self.feature}"


@dataclass(frozen=True)
class CandidateQuestion:
    """A question that could become a topic. `answer` is an entity_id, `yes` or `no`."""

    subject: QuestionSubject
    form: str
    entities: tuple[str, ...]
    asked: str
    answer: str
    text: str
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def meaning(self) -> tuple[str, frozenset[str], str, frozenset[str]]:
        """Equal for questions that ask the same: form, entities as a set, feature and value.

        A claim about two entities names both values, so that it is the same whichever is asked.
        """
        pair = self.form == "truth" and len(self.entities) == 2
        asked = frozenset(self.subject.values.values()) if pair else frozenset({self.asked})
        return self.form, frozenset(self.entities), self.subject.feature, asked

    @property
    def answer_class(self) -> str:
        """What answers are balanced over: `yes`, `no`, or the place of the answer among the entities as named."""
        return f"named {self.entities.index(self.answer) + 1}." if self.form in CHOOSING else self.answer

    @property
    def first_named(self) -> int:
        """Place, from 0, of the entity named first in the sorted group: what naming is balanced over."""
        return self.subject.entities.index(self.entities[0])

    def topic(self, names: Mapping[str, str]) -> Topic:
        """The finished record."""
        subject = self.subject
        return Topic(
            topic_id=topic_id(self.form, self.text, self.entities, subject.feature),
            kind="comparison",
            form=self.form,
            text=self.text,
            entities=self.entities,
            feature=subject.feature,
            part=subject.part,
            answer=names.get(self.answer, self.answer),
            values={entity: subject.values[entity] for entity in self.entities},
            provenance={
                **self.provenance,
                "group_id": subject.group_id,
                "asked": self.asked,
                "sources": {entity: subject.sources[entity] for entity in self.entities},
            },
        )


def reference_answer(form: str, entities: Sequence[str], values: Mapping[str, str], asked: str) -> str | None:
    """The right answer, or None where the form has none because the values do not distinguish the entities.

    which: the one entity that has the value; which-not: the one that has not; both: whether all have it
    (some must); truth: whether the entity named first, and no other, has it (just one must).
    """
    owners = [entity for entity in entities if values[entity] == asked]
    others = [entity for entity in entities if values[entity] != asked]
    if not owners:
        return None
    if form == "which":
        return owners[0] if len(owners) == 1 else None
    if form == "which-not":
        return others[0] if len(others) == 1 else None
    if form == "both":
        return NO if others else YES
    if form == "truth":
        return None if len(owners) > 1 else YES if owners[0] == entities[0] else NO
    raise ValueError(f"no such form: {form}")


def subject_refusal(subject: QuestionSubject, called: Mapping[str, Sequence[str]]) -> Refusal | None:
    """Why no question at all can be asked about a feature of a group, or None.

    Args:
        subject: the feature.
        called: each known entity's name and aliases.
    """
    if subject.objection:
        return Refusal(str(subject), *subject.objection)
    unknown = [entity for entity in subject.entities if entity not in called]
    if unknown:
        return Refusal(str(subject), "unknown-entity", f"{', '.join(unknown)}: not among the mined entities")
    lacking = [entity for entity in subject.entities if entity not in subject.values]
    if lacking:
        known = ", ".join(f"{entity} {value}" for entity, value in sorted(subject.values.items()))
        return Refusal(str(subject), "attribute-unknown", f"unknown for {', '.join(lacking)}; known: {known}")
    ignored = set(stems(f"{subject.feature} {subject.part}"))
    values = {value: set(stems(value)) - ignored for value in sorted(set(subject.values.values()))}
    for value, own in values.items():
        telling = own | (set(stems(subject.predicates[value].of_one)) - set(stems(f"{value} {subject.part}")))
        for entity in subject.entities:
            for name in called[entity]:
                if telling & set(stems(name)):
                    return Refusal(
                        str(subject), "gives-away-answer", f"value {value!r} can be read off the name {name!r}"
                    )
    for value, own in values.items():
        alike = [other for other in values if other > value and own & values[other]]
        if alike:
            return Refusal(str(subject), "ambiguous", f"values overlap: {value!r} and {alike[0]!r}")
    return None


def draw_key(seed: int, candidate: CandidateQuestion) -> str:
    """A random but fixed place for a candidate: hex digits that depend on the seed and on what is asked alone.

    Not a sequence of a generator: adding an entity must not reorder the questions about all others.
    """
    return content_key(
        seed=seed, form=candidate.form, entities=list(candidate.entities),
        feature=candidate.subject.feature, asked=candidate.asked,
    )  # fmt: skip
