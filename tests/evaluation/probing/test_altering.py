"""Changed questions: what changes, what stays, and when a question does not admit a change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldguide.evaluation.probing.altering import (
    ALTERATIONS,
    Entities,
    NotApplicableError,
    ProbedTopic,
    alter,
    renamed,
    shuffled,
    without,
)
from fieldguide.queries.rewriting.decomposing import components_of
from fieldguide.queries.rewriting.section import Decompose
from fieldguide.records.topics import Topic

NAMES = {
    "anjou": "Anjou pear",
    "kaiser": "Kaiser pear",
    "bosc": "Bosc pear",
    "orange": "orange",
    "granny": "Granny Smith",
}
TAXONOMY = {
    "anjou": ("fruit", "pear", "Anjou pear"), "kaiser": ("fruit", "pear", "Kaiser pear"),
    "bosc": ("fruit", "pear", "Bosc pear"), "orange": ("fruit", "citrus", "orange"),
    "granny": ("fruit", "apple", "Granny Smith"),
}  # fmt: skip
ENTITIES = Entities(NAMES, TAXONOMY)


def asked(text: str, entities: tuple[str, ...] = ("anjou", "kaiser"), **values: Any) -> ProbedTopic:
    fields = {"feature": "skin colour", "part": "skin", "answer": "yes", "values": dict.fromkeys(entities, "green")}
    topic = Topic(topic_id="t1", kind="comparison", form="which", text=text, entities=entities, **(fields | values))
    phrases = {s.subtopic_id: f"a photo of {NAMES[s.entity_id]}, showing the skin" for s in topic.subtopics}
    parts = {s.subtopic_id: list(components_of(s, NAMES, Decompose())) for s in topic.subtopics}
    return ProbedTopic(topic, phrases, parts)


QUESTION = asked("Which one has a green skin: an Anjou pear or a Kaiser pear?")


def test_swapped_entities_change_places_with_their_articles() -> None:
    found = alter(QUESTION, "swap", ENTITIES, seed=1)
    assert found.topic.text == "Which one has a green skin: a Kaiser pear or an Anjou pear?"
    assert found.phrases == {
        "t1.e1": "a photo of Kaiser pear, showing the skin", "t1.e2": "a photo of Anjou pear, showing the skin",
    }  # fmt: skip
    assert [c.text for c in found.components["t1.e1"]] == ["a photo of Kaiser pear", "a close-up of the skin"]


def test_of_three_entities_the_third_stays() -> None:
    three = asked("Of an Anjou pear, a Kaiser pear and an orange, which one is it?", ("anjou", "kaiser", "orange"))
    found = alter(three, "swap", ENTITIES, seed=1)
    assert found.topic.text == "Of a Kaiser pear, an Anjou pear and an orange, which one is it?"
    assert found.phrases["t1.e3"] == three.phrases["t1.e3"]


def test_the_wrong_relative_is_near_and_was_not_asked_about() -> None:
    found = alter(QUESTION, "relative", ENTITIES, seed=1)
    assert found.topic.text == "Which one has a green skin: a Bosc pear or a Granny Smith?"
    assert found.phrases["t1.e1"] == "a photo of Bosc pear, showing the skin"
    assert ENTITIES.relatives(["orange"]) == {"orange": "anjou"}
    with pytest.raises(NotApplicableError, match="too few other entities"):
        ENTITIES.relatives(["anjou", "kaiser", "orange"])


def test_the_feature_goes_with_its_articles_and_names_stay_whole() -> None:
    found = alter(QUESTION, "drop", ENTITIES, seed=1)
    assert found.topic.text == "Which one has: an Anjou pear or a Kaiser pear?"
    assert set(found.phrases.values()) == {"a photo of Anjou pear", "a photo of Kaiser pear"}
    assert [c.about for c in found.components["t1.e1"]] == ["entity"]
    named = asked("Is the orange skin of an orange orange?", ("orange", "anjou"), values={"orange": "orange"})
    assert without(named.topic.text, {"orang", "skin"}, ["orange"]) == "Is the orange of an orange orange?"


def test_ids_entities_and_answers_stay() -> None:
    for alteration in ALTERATIONS:
        found = alter(QUESTION, alteration, ENTITIES, seed=1)
        assert found.topic.text != QUESTION.topic.text
        for name in ("topic_id", "entities", "values", "answer", "kind"):
            assert getattr(found.topic, name) == getattr(QUESTION.topic, name)
        assert found.phrases.keys() == found.components.keys() == QUESTION.phrases.keys()


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=8), st.integers(0, 9))
def test_shuffling_keeps_the_words_and_changes_their_order(words: list[str], seed: int) -> None:
    text = " ".join(words)
    if len(set(words)) < 2:
        with pytest.raises(NotApplicableError, match="has one order only"):
            shuffled(text, seed)
        return
    found = shuffled(text, seed)
    assert sorted(found.split()) == sorted(words)
    assert found != text
    assert found == shuffled(text, seed)


def test_a_name_inside_a_longer_one_is_left_alone() -> None:
    names = {"pear": "apple", "Anjou pear": "Bosc pear"}
    assert renamed("An Anjou pear, or a pear?", names) == "A Bosc pear, or an apple?"


@pytest.mark.parametrize(
    ("text", "alteration", "why"),
    [
        ("Which is greener?", "swap", r"does not name 'Anjou pear'"),
        ("Which is greener?", "relative", r"does not name 'Anjou pear'"),
        ("Anjou pear or Kaiser pear?", "drop", "says nothing of the feature"),
        ("Pears?", "shuffle", "has one order only"),
    ],
)
def test_what_cannot_be_changed_says_why(text: str, alteration: Any, why: str) -> None:
    with pytest.raises(NotApplicableError, match=why):
        alter(asked(text), alteration, ENTITIES, seed=1)


def test_phrases_that_name_the_entity_alone_have_no_feature_to_drop() -> None:
    bare = ProbedTopic(
        QUESTION.topic, {"t1.e1": "a photo of Anjou pear", "t1.e2": "a photo of Kaiser pear"}, QUESTION.components
    )
    with pytest.raises(NotApplicableError, match="name the entity alone already"):
        alter(bare, "drop", ENTITIES, seed=1)
