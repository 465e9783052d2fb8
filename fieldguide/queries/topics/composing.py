"""All questions that templates can put about a group's features, and why others cannot be put. Pure computation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from fieldguide.queries.knowledge.records import Comparison, Feature, measure
from fieldguide.queries.topics.questions import (
    COMPARING,
    CandidateQuestion,
    QuestionSubject,
    draw_key,
    reference_answer,
    subject_refusal,
)
from fieldguide.queries.topics.templates import word_entity_question, word_question
from fieldguide.queries.wording.nouns import Noun
from fieldguide.queries.wording.predicates import Predicate
from fieldguide.queries.wording.saying import said_of
from fieldguide.records.topics import Refusal, Topic, topic_id

# "which one does not have an unribbed surface?"; "uniform" and "unique" are no negations.
_NEGATED = re.compile(r"(un(?!i)|non|not\b)", re.IGNORECASE)


def subjects(
    groups: pd.DataFrame, attributes: pd.DataFrame, features: Mapping[str, Feature]
) -> Iterator[list[QuestionSubject]]:
    """For each accepted group, the most confusable first: every feature that is known of any of its entities."""
    known: dict[str, dict[str, tuple[str, str, str]]] = {}
    for row in attributes.to_dict("records"):
        known.setdefault(row["entity_id"], {})[row["feature"]] = (row["part"], row["value"], row["source"])
    accepted = groups[groups["accepted"]].sort_values(["score", "group_id"], ascending=[False, True])
    for row in accepted.to_dict("records"):
        own = {entity: known.get(entity, {}) for entity in sorted(row["entities"])}
        names = sorted({feature for of_entity in own.values() for feature in of_entity})
        yield [_subject(row["group_id"], name, own, features.get(name) or Feature()) for name in names]


def _subject(
    group_id: str, name: str, own: Mapping[str, Mapping[str, tuple[str, str, str]]], feature: Feature
) -> QuestionSubject:
    found = {entity: known[name] for entity, known in own.items() if name in known}
    part = next(iter(found.values()))[0]
    values, objection = {entity: value for entity, (_, value, _) in found.items()}, None
    predicates: dict[str, Predicate] = {}
    try:
        if feature.compare is not None and len(values) == len(own):
            values = compared(values, feature.compare)
        predicates = {value: said_of(feature.said, part, value) for value in values.values()}
    except ValueError as error:  # a value that was read off a gloss, or measures that are too close
        objection = "not-sayable", str(error)
    sources = {entity: source for entity, (*_, source) in found.items()}
    is_compared = feature.compare is not None
    return QuestionSubject(group_id, tuple(own), name, part, values, sources, predicates, is_compared, objection)


def compared(values: Mapping[str, str], words: Comparison) -> dict[str, str]:
    """Which of two measured values is the greater, in the curator's words.

    Raises:
        ValueError: why they cannot be compared.
    """
    if len(values) != 2:
        raise ValueError(f"measures are compared in pairs, and there are {len(values)} entities")
    (less, few), (more, many) = sorted(((e, (measure(v) or (0.0, ""))[0]) for e, v in values.items()), key=_by_size)
    if many < few * (1 + words.margin) or few == many:
        told = " and ".join(f"{entity} {value}" for entity, value in values.items())
        raise ValueError(f"{told} differ by less than the margin of {words.margin:.0%}")
    return {less: words.less, more: words.more}


def _by_size(item: tuple[str, float]) -> tuple[float, str]:
    return item[1], item[0]


def compose_subject(
    subject: QuestionSubject,
    forms: Sequence[str],
    called: Mapping[str, Sequence[str]],
    nouns: Mapping[str, Noun],
    seed: int,
) -> Iterator[CandidateQuestion | Refusal]:
    """Every question that templates put about one subject, in every order of naming that begins with another entity.

    Args:
        subject: a feature of a group.
        forms: wanted forms.
        called: name (first) and aliases of each entity.
        nouns: each entity as a sentence names it.
        seed: chooses among wordings.
    """
    refusal = subject_refusal(subject, called)
    if refusal:
        yield refusal
        return
    size = len(subject.entities)
    orders = [subject.entities[start:] + subject.entities[:start] for start in range(size)]
    for form in forms:
        if subject.compared and form not in COMPARING:
            yield Refusal(f"{form}: {subject}", "compared", "of two measures one is always the greater")
            continue
        possible = [
            (order, asked, answer)
            for order in orders
            for asked in sorted(set(subject.values.values()))
            if (answer := reference_answer(form, order, subject.values, asked)) is not None
        ]
        negated = {asked for _, asked, _ in possible if form == "which-not" and _is_negated(asked, subject)}
        for asked in sorted(negated):
            denial = subject.predicates[asked].denial
            yield Refusal(f"{form}: {subject}", "double-negation", f"`{denial}` and {asked!r} in one question")
        if not possible:
            values = ", ".join(f"{entity} {subject.values[entity]}" for entity in subject.entities)
            yield Refusal(f"{form}: {subject}", "not-distinguishing", f"the values allow no such question: {values}")
        for order, asked, answer in (item for item in possible if item[1] not in negated):
            yield _worded(CandidateQuestion(subject, form, order, asked, answer, ""), nouns, seed)


def _is_negated(value: str, subject: QuestionSubject) -> bool:
    return _NEGATED.match(value) is not None or subject.predicates[value].is_negative


def _worded(candidate: CandidateQuestion, nouns: Mapping[str, Noun], seed: int) -> CandidateQuestion:
    subject, asked = candidate.subject, candidate.asked
    other = next((value for value in sorted(subject.values.values()) if value != asked), asked)
    text, template = word_question(
        candidate.form,
        [nouns[entity] for entity in candidate.entities],
        subject.predicates[asked],
        subject.predicates[other],
        int(draw_key(seed, candidate), 16),
    )
    return replace(candidate, text=text, provenance={"composer": "template", "template": template, "seed": seed})


def entity_topics(
    entities: pd.DataFrame, photographed: Iterable[str], nouns: Mapping[str, Noun]
) -> Iterator[Topic | Refusal]:
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
            text, template = word_entity_question(nouns[entity])
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
