"""All questions that templates can put about a group's features, and why others cannot be put. Pure computation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from fieldguide.queries.topics.questions import (
    CandidateQuestion,
    QuestionSubject,
    draw_key,
    reference_answer,
    subject_refusal,
)
from fieldguide.queries.topics.templates import trait, word_entity_question, word_question
from fieldguide.records.topics import Refusal, Topic, topic_id

# "which one does not have an unribbed surface?"; "uniform" and "unique" are no negations.
_NEGATED = re.compile(r"(un(?!i)|non|not\b)", re.IGNORECASE)


def subjects(groups: pd.DataFrame, attributes: pd.DataFrame) -> Iterator[list[QuestionSubject]]:
    """For each accepted group, the most confusable first: every feature that is known of any of its entities."""
    known: dict[str, dict[str, tuple[str, str, str]]] = {}
    for row in attributes.to_dict("records"):
        known.setdefault(row["entity_id"], {})[row["feature"]] = (row["part"], row["value"], row["source"])
    accepted = groups[groups["accepted"]].sort_values(["score", "group_id"], ascending=[False, True])
    for row in accepted.to_dict("records"):
        own = {entity: known.get(entity, {}) for entity in sorted(row["entities"])}
        features = sorted({feature for of_entity in own.values() for feature in of_entity})
        yield [_subject(row["group_id"], feature, own) for feature in features]


def _subject(group_id: str, feature: str, own: Mapping[str, Mapping[str, tuple[str, str, str]]]) -> QuestionSubject:
    found = {entity: features[feature] for entity, features in own.items() if feature in features}
    part = next(iter(found.values()))[0]
    values = {entity: value for entity, (_, value, _) in found.items()}
    return QuestionSubject(
        group_id, tuple(own), feature, part, values, {e: source for e, (*_, source) in found.items()}
    )


def compose_subject(
    subject: QuestionSubject, forms: Sequence[str], called: Mapping[str, Sequence[str]], seed: int
) -> Iterator[CandidateQuestion | Refusal]:
    """Every question that templates put about one subject, in every order of naming that begins with another entity.

    Args:
        subject: a feature of a group.
        forms: wanted forms.
        called: name (first) and aliases of each entity.
        seed: chooses among wordings.
    """
    refusal = subject_refusal(subject, called)
    if refusal:
        yield refusal
        return
    size = len(subject.entities)
    orders = [subject.entities[start:] + subject.entities[:start] for start in range(size)]
    for form in forms:
        possible = [
            (order, asked, answer)
            for order in orders
            for asked in sorted(set(subject.values.values()))
            if (answer := reference_answer(form, order, subject.values, asked)) is not None
        ]
        negated = {asked for _, asked, _ in possible if form == "which-not" and _NEGATED.match(asked)}
        for asked in sorted(negated):
            yield Refusal(f"{form}: {subject}", "double-negation", f"`does not have` and {asked!r} in one question")
        if not possible:
            values = ", ".join(f"{entity} {subject.values[entity]}" for entity in subject.entities)
            yield Refusal(f"{form}: {subject}", "not-distinguishing", f"the values allow no such question: {values}")
        for order, asked, answer in (item for item in possible if item[1] not in negated):
            yield _worded(CandidateQuestion(subject, form, order, asked, answer, ""), called, seed)


def _worded(candidate: CandidateQuestion, called: Mapping[str, Sequence[str]], seed: int) -> CandidateQuestion:
    subject, asked = candidate.subject, candidate.asked
    other = next((value for value in sorted(subject.values.values()) if value != asked), asked)
    text, template = word_question(
        candidate.form,
        [called[entity][0] for entity in candidate.entities],
        (trait(asked, subject.part), trait(other, subject.part)),
        int(draw_key(seed, candidate), 16),
    )
    return replace(candidate, text=text, provenance={"composer": "template", "template": template, "seed": seed})


def entity_topics(entities: pd.DataFrame, photographed: Iterable[str]) -> Iterator[Topic | Refusal]:
    """One question on the looks of each entity that has photographs in the gallery; its description is the answer."""
    shown = frozenset(photographed)
    for row in entities.to_dict("records"):
        entity, name = row["entity_id"], row["name"]
        if entity not in shown:
            detail = f"no photographs of {name} in the gallery"
            yield Refusal(f"entity: {entity}", "no-photographs", detail)
        elif row["description"] is None:
            yield Refusal(f"entity: {entity}", "attribute-unknown", f"nothing says how {name} looks")
        else:
            text, template = word_entity_question(name)
            feature = "appearance"
            yield Topic(
                topic_id=topic_id("entity", text, [entity], feature),
                kind="entity",
                form="entity",
                text=text,
                entities=(entity,),
                feature=feature,
                part="whole " + row["taxonomy"][0],
                answer=row["description"],
                values={entity: row["description"]},
                provenance={"composer": "template", "template": template, "sources": {entity: row["source"]}},
            )
